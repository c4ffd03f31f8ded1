"""How long a vendor says it worked on a request until its headers: what tells its queue from the network's way.

Vendors that tell it do so in a header, in milliseconds. The names are recalled, not checked against a live API, and a
proxy on the way may put in one of its own. So whatever is no plain number of milliseconds up to an hour is passed over,
as if it were not there: a measurement is missed, and no call fails for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_MILLISECONDS = ("openai-processing-ms", "x-envoy-upstream-service-time")
"""OpenAI's own; and that of Envoy, a proxy many serve models behind. The vendor's word goes before a proxy's."""

NUMBER = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")
"""``float`` would also take ``nan``, ``1e9``, ``1_000`` and other scripts' digits."""

LONGEST_S = 3600.0


def processing_s(headers: Mapping[str, str]) -> float | None:
    """Seconds the vendor says it worked, from 0 to an hour; None if it says nothing of use.

    headers: names in lower case, or a mapping that takes any case.
    """
    for name in IN_MILLISECONDS:
        if name in headers:  # hardly ever
            told = headers[name].strip()
            if NUMBER.fullmatch(told) and float(told) <= LONGEST_S * 1000.0:
                return float(told) / 1000.0
    return None
