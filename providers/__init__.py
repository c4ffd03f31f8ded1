"""The adapters that turn a call into a vendor's exchange and its answer into chunks. They import the router only.

OpenAICompatible: over HTTP, to everything that speaks OpenAI's chat completions.
Connections, ClientCertificate: how connections are made and kept, for every provider over HTTP.
Simulated: in this process, with latencies as described; for tests, simulation and trying things out.
"""

from .behaviour import Behaviour, Incident
from .http_connections import ClientCertificate, Connections
from .openai_compatible import OpenAICompatible
from .simulated import Simulated

__all__ = ["Behaviour", "ClientCertificate", "Connections", "Incident", "OpenAICompatible", "Simulated"]
