"""Sizes of prompts, rounded: calls of one size are alike enough to learn from one another.

Time to first token grows with the prompt, since the model reads it all before it speaks. What is asked is told to an
octave, a power of two; what is recorded is kept by class, a power of four, so that a dozen classes span everything and
few are ever in use:

    class 0: 1 to 3 tokens, 1: 4 to 15, 2: 16 to 63, 3: 64 to 255, 4: 256 to 1,023, 5: 1,024 to 4,095, ...
"""

from __future__ import annotations

import math

HALF_AN_OCTAVE = math.sqrt(2.0)


def octave_of(tokens: int) -> int:
    """floor(log2(tokens)). What is below one token counts as one."""
    return max(tokens, 1).bit_length() - 1


def middle_of(octave: int) -> float:
    """Tokens in the middle of an octave."""
    return HALF_AN_OCTAVE * (1 << octave)


def class_of(octave: int) -> int:
    """The class an octave belongs to: two octaves are one class."""
    return octave >> 1


def octaves_of(size: int) -> tuple[int, int]:
    """The octaves of a class."""
    return 2 * size, 2 * size + 1


def middle_of_class(size: int) -> float:
    """Tokens in the middle of a class."""
    return 2.0 * (1 << 2 * size)


def size_class(tokens: int) -> int:
    """The class of a size of at least one token: floor(log4(tokens))."""
    return class_of(octave_of(tokens))


def told(size: int) -> str:
    """A class in words: ``1k-4k tokens``."""
    return f"{_short(4**size)}-{_short(4 ** (size + 1))} tokens"


def _short(tokens: int) -> str:
    return str(tokens) if tokens < 1024 else f"{tokens // 1024}k"
