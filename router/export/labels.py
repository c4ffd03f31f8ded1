"""What may be a label's value: names out of the configuration, and words out of a short list.

Every combination of labels is a series that lives as long as the process. A user, a key, a request's id, a model's
name as a client wrote it or the text of an error as a label would fill the memory and leak what nobody may see. So
labels come from endpoints and routes as they were configured; what comes from a vendor or from code is checked, kept
to a few values, and otherwise told as ``other``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ..endpoint import Endpoint

LabelValue: TypeAlias = str | int | None
"""None: the label does not apply, and is left out."""

Labels: TypeAlias = tuple[LabelValue, ...]
"""Values in the order of their metric's labels."""

OTHER = "other"

MOST_WORDS = 64
"""Words one label may have. The errors of Paceline have some thirty reasons."""

MOST_VERSIONS = 8
"""Names an endpoint's model may be served under, its configured ones among them."""

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

VERSION = re.compile(r"(?:[-@:.](?:v?[0-9]{1,8}|preview|exp|latest)){1,5}")
"""What vendors append to a model's name, such as ``-2024-08-06``."""

LATEST = "-latest"
"""Ends the name of a model whose version the vendor chooses."""

VENDORS = {
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google": "gcp.gen_ai",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Providers whose name in the conventions is not their own."""

FINISHES = frozenset({
    "stop", "length", "tool_calls", "function_call", "content_filter",
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
    "content_filtered", "guardrail_intervened", "safety", "recitation", "prohibited_content", "malformed_function_call",
    "complete", "error",
})  # fmt: skip
"""Why answers end, in the vendors' words."""


class Words:
    """The values of one label: single words, the first *most* of them; anything else is ``other``."""

    __slots__ = ("_known", "_most")

    def __init__(self, most: int = MOST_WORDS) -> None:
        self._known: set[str] = set()
        self._most = most

    def word(self, given: str | None) -> str | None:
        """*given*, if it may be told; None stays."""
        if given is None or given in self._known:
            return given
        if len(self._known) >= self._most or not WORD.fullmatch(given):
            return OTHER
        self._known.add(given)
        return given


class Versions:
    """The names one endpoint's model is served under: as configured, or a version of that; anything else is ``other``.

    A vendor answers for ``gpt-4o`` with ``gpt-4o-2024-08-06``, which is worth knowing. It may also answer with what it
    was sent, which is nobody's business.
    """

    __slots__ = ("_asked", "_known")

    def __init__(self, endpoint: Endpoint) -> None:
        names = (endpoint.model, endpoint.deployment)
        self._asked = tuple(dict.fromkeys(name.removesuffix(LATEST) for name in names))
        self._known = dict(zip(names, names, strict=True))

    def name(self, served: str | None) -> str | None:
        """The name to tell; None if the vendor gave none."""
        if served is None:
            return None
        known = self._known.get(served)
        if known is not None:
            return known
        if len(self._known) >= MOST_VERSIONS or not any(
            served.startswith(asked) and VERSION.fullmatch(served, len(asked)) for asked in self._asked
        ):
            return OTHER
        self._known[served] = served
        return served


def vendor(provider: str) -> str:
    """A provider's name in the conventions; its own where they have none."""
    name = provider.lower().replace("-", "_").replace(" ", "_")
    return VENDORS.get(name, name)


def server(url: str | None) -> tuple[str | None, int | None]:
    """Host and port of a base URL, and nothing else of it; None where it has none."""
    try:
        parts = urlsplit(url or "")
        port = parts.port
    except ValueError:
        return None, None
    if not parts.hostname:
        return None, None
    return parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def finish(reason: str) -> str:
    """Why an answer ended, if that is a word vendors use."""
    return reason if reason.lower() in FINISHES else OTHER
