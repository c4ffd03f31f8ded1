"""The adapters that turn a call into a vendor's exchange and its answer into chunks. They import the router only.

OpenAICompatible: over HTTP, to everything that speaks OpenAI's chat completions.
Anthropic: over HTTP, to Anthropic's Messages API, from OpenAI's form and back.
Simulated: in this process, with latencies as described; for tests, simulation and trying things out.
"""

from .anthropic import Anthropic
from .anthropic_thinking import AdaptiveThinking, ThinkingBudgets
from .behaviour import Behaviour, Incident
from .openai_compatible import OpenAICompatible
from .simulated import Simulated

__all__ = [
    "AdaptiveThinking",
    "Anthropic",
    "Behaviour",
    "Incident",
    "OpenAICompatible",
    "Simulated",
    "ThinkingBudgets",
]
