"""Prompts of a wished length that no vendor has seen before.

A vendor keeps the beginnings of prompts and reads them faster the second time, so each prompt begins with words of its
own. The words are everyday English, which the tokenizers in use take for a token each, with the space before it; what
the vendor then counts is in the results.
"""

from __future__ import annotations

import random

WORDS = (
    "time", "people", "water", "house", "school", "night", "story", "hand", "place", "work", "world", "year", "door",
    "light", "city", "road", "table", "book", "tree", "river", "music", "morning", "friend", "family", "money", "food",
    "car", "street", "paper", "voice", "air", "game", "war", "law", "line", "word", "side", "head", "eye", "face",
    "heart", "mind", "summer", "winter", "field", "horse", "stone", "fire", "garden", "window", "letter", "market",
    "north", "south", "island", "ship", "bridge", "train", "village", "king", "doctor", "teacher", "child", "dream",
)  # fmt: skip

ASKED = "Write a long story in which each of these words occurs, and do not stop early:"
ASKED_TOKENS = 17


def prompt(tokens: int, *, seed: int, number: int) -> str:
    """About so many tokens of text, the same for the same seed and number.

    tokens: at least 1; a prompt is no shorter than what it asks for, about twenty.
    """
    dice = random.Random(f"{seed}/{number}")
    words = dice.choices(WORDS, k=max(3, tokens - ASKED_TOKENS))
    return f"{' '.join(words[:3])}. {ASKED} {' '.join(words[3:])}".rstrip()
