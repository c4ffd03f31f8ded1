"""The name of a distribution in files and messages: ``atlas-70b.us-west/ttft/size-5/censored``.

A tag in a histogram log must not hold commas, spaces or line breaks; the name of an endpoint may hold anything. So
names are percent-encoded as in a URL, and the tag is plain ASCII. One distribution has one tag, and a tag is read
only in the form in which it is written.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import attrs

from ..errors import ConfigurationError
from .interval import Series

METRIC = re.compile(r"[a-z_]+")

TAG = re.compile(
    r"(?P<endpoint>[A-Za-z0-9_.~%-]+)/(?P<metric>[a-z_]+)(?:/size-(?P<size>\d|[12]\d|3[01]))?(?P<censored>/censored)?"
)

MOST_TOLD = 60
"""Characters that an error repeats of what is no tag."""

ANYTHING = "surrogatepass"
"""Python's strings may hold halves of characters, as file names do."""


@attrs.frozen
class Tag:
    """Which distribution it is.

    endpoint: its name, not empty. series: which of its own. censored: of latencies that were cut off.
    """

    endpoint: str
    series: Series
    censored: bool = False

    def __str__(self) -> str:
        metric, size = self.series.metric, self.series.size
        if not METRIC.fullmatch(metric):
            raise ConfigurationError(f"Series: metric must be of lower-case letters and underscores, not {metric!r}")
        parts = [quote(self.endpoint, safe="", errors=ANYTHING), metric]
        if size is not None:
            parts.append(f"size-{size}")
        if self.censored:
            parts.append("censored")
        return "/".join(parts)

    @classmethod
    def read(cls, text: str) -> Tag | None:
        """The distribution of this tag; None if it is no tag of ours."""
        found = TAG.fullmatch(text)
        if found is None:
            return None
        try:
            endpoint = unquote(found["endpoint"], errors=ANYTHING)
        except UnicodeDecodeError:
            return None
        size = None if found["size"] is None else int(found["size"])
        tag = cls(endpoint, Series(found["metric"], size), found["censored"] is not None)
        return tag if str(tag) == text else None
