"""OpenAI itself, and DeepInfra: vendors with an adapter of their own name.

    Endpoint(name="openai", provider=OpenAI(), model="gpt-4.1-mini", api_key=Secret.from_env("OPENAI_API_KEY"))

An organisation or a project is named in the endpoint's headers: ``OpenAI-Organization``, ``OpenAI-Project``.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from ..router import check
from .openai_compatible import OpenAICompatible, cap_name
from .openai_request import ANTHROPICS, CACHE_MARK


@attrs.frozen(kw_only=True)
class OpenAI(OpenAICompatible):
    """OpenAI's own API. Fields as in `OpenAICompatible`, with OpenAI's name and url, and its newer name of the cap.

    Source: OpenAI's API reference, "Chat Completions": ``max_tokens`` is deprecated, and reasoning models refuse it.
    """

    hints: ClassVar[frozenset[str]] = ANTHROPICS | {CACHE_MARK}

    name: str = attrs.field(default="openai", validator=check.named)
    url: str | None = attrs.field(default="https://api.openai.com/v1", validator=check.if_given(check.named))
    cap: str = attrs.field(default="max_completion_tokens", validator=cap_name)


@attrs.frozen(kw_only=True)
class DeepInfra(OpenAICompatible):
    """DeepInfra's API. Fields as in `OpenAICompatible`, with its name and url.

    Source: docs.deepinfra.com, "OpenAI-compatible API".
    """

    name: str = attrs.field(default="deepinfra", validator=check.named)
    url: str | None = attrs.field(default="https://api.deepinfra.com/v1/openai", validator=check.if_given(check.named))
