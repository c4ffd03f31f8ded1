"""The adapters that turn a call into a vendor's exchange and its answer into chunks. They import the router only.

OpenAICompatible: over HTTP, to everything that speaks OpenAI's chat completions.
Simulated: in this process, with latencies as described; for tests, simulation and trying things out. It knows no HTTP
and lives in `paceline.router.simulation`.
"""

from ..router.simulation import Behaviour, Incident, Simulated
from .openai_compatible import OpenAICompatible

__all__ = ["Behaviour", "Incident", "OpenAICompatible", "Simulated"]
