"""The forms in which clients speak to the gateway: OpenAI's, and Anthropic's."""

from .anthropic import Anthropic
from .dialect import Asked, Dialect, Reply, Writer

__all__ = ["Anthropic", "Asked", "Dialect", "Reply", "Writer"]
