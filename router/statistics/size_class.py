"""Classes of prompt sizes: calls of one class are alike enough to learn from one another.

Time to first token grows with the prompt, since the model reads it all before it speaks. Classes are powers of four,
so that a class spans little enough to be of one kind, and a dozen of them span everything:

    class 0: 1 to 3 tokens, 1: 4 to 15, 2: 16 to 63, 3: 64 to 255, 4: 256 to 1,023, 5: 1,024 to 4,095, ...
"""

from __future__ import annotations


def size_class(tokens: int) -> int:
    """The class of a size of at least one token: floor(log4(tokens)). What is below one counts as one."""
    return (max(tokens, 1).bit_length() - 1) >> 1


def told(size: int) -> str:
    """A class in words: ``1k-4k tokens``."""
    return f"{_short(4**size)}-{_short(4 ** (size + 1))} tokens"


def _short(tokens: int) -> str:
    return str(tokens) if tokens < 1024 else f"{tokens // 1024}k"
