"""Servers in wide use that speak OpenAI's chat completions, each with what sets it apart.

    Endpoint(name="groq", provider=preset("groq"), model="llama-3.3-70b-versatile", api_key=Secret.from_env("GROQ_KEY"))
    attrs.evolve(preset("vllm"), url="http://10.0.0.7:8000/v1", connections=Connections(keepalive_s=5.0))

A preset is a provider like any other: its name in reports, its base url, and what the server does with parameters it
does not know. What these servers *answer* in their own way (where reasoning and usage stand, comments while a call
waits, calls without an index, errors in the middle) needs no preset: it is understood from all of them.

Vendors with a protocol of their own (Gemini, Bedrock) are no presets; each is an adapter beside `OpenAICompatible`.

What is recalled here is from the servers' documentation as of autumn 2026; a parameter is listed as ignored only where
the server's own list of parameters leaves it out and nothing is said of an error.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ..router.errors import ConfigurationError
from ..router.operation import CHAT_ALONE
from .openai import DeepInfra, OpenAI
from .openai_compatible import OpenAICompatible

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI = OpenAI()
"""OpenAI itself."""

DEEPINFRA = DeepInfra()
"""DeepInfra. It adds ``estimated_cost`` to usage, which the raw chunk holds."""

DEEPSEEK = OpenAICompatible(
    name="deepseek",
    url="https://api.deepseek.com/v1",
    ignores=frozenset({"n", "seed", "logit_bias", "max_completion_tokens", "parallel_tool_calls"}),
    operations=CHAT_ALONE,
)
"""DeepSeek. It has no embeddings, and completions only under another base url (``/beta``). Waiting calls get comments,
or blank lines in front of a whole answer; reasoning comes as ``reasoning_content``, the cached part of the
prompt as ``prompt_cache_hit_tokens``. An empty purse is a 402.
Source: api-docs.deepseek.com, "Create Chat Completion", "Rate Limit", "Error Codes"."""

FIREWORKS = OpenAICompatible(name="fireworks", url="https://api.fireworks.ai/inference/v1")
"""Fireworks AI. Usage may stand on the chunk that ends the answer; a suspended account is a 412.
Source: docs.fireworks.ai, "OpenAI compatibility", "Inference Error Codes"."""

GROQ = OpenAICompatible(
    name="groq",
    url="https://api.groq.com/openai/v1",
    cap="max_completion_tokens",
    operations=CHAT_ALONE,
)
"""Groq. It has neither completions nor embeddings. Refuses what it cannot do (``n`` above 1, log-probabilities) with a
400; a full flex tier is a 498; an answer that is not what a schema or a tool asks for is a 400, and may be right at the
next try. Source: console.groq.com/docs, "OpenAI Compatibility", "Error Codes", "Flex Processing"."""

LLAMA_CPP = OpenAICompatible(name="llama.cpp", url="http://127.0.0.1:8080/v1")
"""llama.cpp's own server, at its default port. Says 503 while it loads a model. Reasoning is ``reasoning_content``.
Source: llama.cpp, tools/server/README.md."""

OLLAMA = OpenAICompatible(
    name="ollama",
    url="http://127.0.0.1:11434/v1",
    ignores=frozenset({"n", "logit_bias", "max_completion_tokens", "parallel_tool_calls"}),
)
"""Ollama, at its default port. Reasoning is ``reasoning``. A full queue is a 503.
Source: docs.ollama.com, "OpenAI compatibility"."""

OPENROUTER = OpenAICompatible(name="openrouter", url="https://openrouter.ai/api/v1")
"""OpenRouter. Comments while a call waits; ``reasoning`` and ``reasoning_details``; errors in the middle of a stream,
with the finish reason ``error``. A parameter that a model's host does not know is passed over, unless the params hold
``"provider": {"require_parameters": True}``. Its European host is https://eu.openrouter.ai/api/v1.
Source: openrouter.ai/docs, "Streaming", "Errors and Debugging", "Provider Routing"."""

SGLANG = OpenAICompatible(name="sglang", url="http://127.0.0.1:30000/v1")
"""SGLang, at its default port. Its gateway says 429 when its queue is full and 408 when a call waited too long there.
Source: docs.sglang.ai, "OpenAI APIs", "SGLang Model Gateway"."""

TOGETHER = OpenAICompatible(name="together", url="https://api.together.xyz/v1")
"""Together AI. Log-probabilities are lists of tokens and numbers, or one number a chunk; a prompt that is too long is
a 403. Source: docs.together.ai, "OpenAI Compatibility", "Error Codes"."""

VLLM = OpenAICompatible(name="vllm", url="http://127.0.0.1:8000/v1")
"""vLLM, at its default port. Reasoning is ``reasoning``, and was ``reasoning_content``; usage on every chunk where
``continuous_usage_stats`` is asked for. Source: docs.vllm.ai, "OpenAI-Compatible Server"."""

PRESETS: Mapping[str, OpenAICompatible] = {
    provider.name: provider
    for provider in (
        DEEPINFRA, DEEPSEEK, FIREWORKS, GROQ, LLAMA_CPP, OLLAMA, OPENAI, OPENROUTER, SGLANG, TOGETHER, VLLM,
    )
}  # fmt: skip
"""By name."""


def preset(name: str) -> OpenAICompatible:
    """The provider for the server called *name*. Change what you need to with ``attrs.evolve``.

    Raises:
        ConfigurationError: there is none of that name; the message says which is meant, perhaps, and which there are.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name.lower(), PRESETS, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigurationError(
        f"no preset is called {name!r}: {meant}There are {', '.join(sorted(PRESETS))}; "
        "for any other server, OpenAICompatible(name=..., url=...)"
    )
