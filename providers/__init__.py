"""The adapters that turn a call into a vendor's exchange and its answer into chunks. They import the router only.

OpenAI, AzureOpenAI, DeepInfra, Anthropic: the vendors of these names.
OpenAICompatible: over HTTP, to everything that speaks OpenAI's chat completions; `preset` has those in wide use.
Connections, ClientCertificate: how connections are made and kept, for every provider over HTTP.
AdaptiveThinking, ThinkingBudgets: how Anthropic's models, of either generation, are told to think.
Simulated: in this process, with latencies as described; for tests, simulation and trying things out. It knows no HTTP
and lives in `paceline.router.simulation`.
"""

from ..router.simulation import Behaviour, Incident, Simulated
from .anthropic import Anthropic
from .anthropic_thinking import AdaptiveThinking, ThinkingBudgets
from .azure import AzureOpenAI
from .http_connections import ClientCertificate, Connections
from .openai import DeepInfra, OpenAI
from .openai_compatible import OpenAICompatible
from .presets import preset

__all__ = [
    "AdaptiveThinking",
    "Anthropic",
    "AzureOpenAI",
    "Behaviour",
    "ClientCertificate",
    "Connections",
    "DeepInfra",
    "Incident",
    "OpenAI",
    "OpenAICompatible",
    "Simulated",
    "ThinkingBudgets",
    "preset",
]
