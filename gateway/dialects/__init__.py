"""The forms in which clients speak to the gateway: OpenAI's, and Anthropic's."""

from .dialect import Asked, Dialect, Reply, Writer

__all__ = ["Asked", "Dialect", "Reply", "Writer"]
