"""Join a continued answer to what the caller has of it, so that no character is lost and none comes twice.

Another model is asked to go on with an answer that broke off. What it sends begins somewhere, and nothing in it says
where. Guessing does not work: if what was said ends in ``ha`` and the continuation begins with ``ha``, it may be
``haha``, or one ``ha`` said again. So the place is *agreed on*, in one of two ways.

*By anchor.* The model is told to begin with the last words of what was said. Those words, the anchor, are chosen such
that they occur there once only; so there is exactly one place at which a continuation that begins with them (or with
more, from before them) can join, and one that does not begin with them is refused rather than guessed at.

*By prefill.* The model is one that is known to go on exactly where a last message of its own ends. Its text is taken
as it comes, unless it begins with what was said already, to the end and at the length of an anchor at least, as from
servers that repeat the prefill. (No text says 24 characters that are new in it twice in a row by chance.)

Whitespace at the end of what was said is left out of both, because vendors refuse a prefill that ends in it and models
do not repeat it; as much of it as the continuation begins with is dropped.
"""

from __future__ import annotations

LEAST_ANCHOR = 24
"""Characters an anchor has at least, if so much was said."""

FARTHEST_WORD = 24
"""Characters to look back for the beginning of a word; text without spaces has none."""


class Unjoinable(Exception):
    """Nobody knows where the continuation belongs."""


def anchor_of(said: str) -> str:
    """The last words of *said*, as many as it takes to occur in it only once; empty if it is blank.

    It neither begins nor ends with whitespace.
    """
    body = said.rstrip()
    length = LEAST_ANCHOR
    while length < len(body):
        start = _word_start(body, len(body) - length)
        if body.find(body[start:]) == start:
            return body[start:]
        length *= 2
    return body.lstrip()


def _word_start(text: str, at: int) -> int:
    """The beginning of the word at *at*, or of the one before it; never further on, but where there is only space."""
    while at > 0 and text[at].isspace():
        at -= 1
    for start in range(at, max(-1, at - FARTHEST_WORD), -1):
        if start == 0 or text[start - 1].isspace():
            at = start
            break
    return at + len(text[at:]) - len(text[at:].lstrip())


class Join:
    """One continuation, as it comes. Feed it every text, then ask for the end of it."""

    __slots__ = ("_anchor", "_body", "_held", "_must", "_seeking", "_space")

    def __init__(self, said: str, *, prefilled: bool) -> None:
        self._body = said.rstrip()
        self._space = said[len(self._body) :]
        """Whitespace the caller has, and the continuation may begin with."""
        self._anchor = anchor_of(said)
        self._must = not prefilled
        self._held = ""
        self._seeking = bool(self._body) and (self._must or len(self._anchor) >= LEAST_ANCHOR)

    @property
    def is_settled(self) -> bool:
        """Whether the place is known. Until then, nothing of it may reach the caller."""
        return not self._seeking

    def feed(self, text: str) -> str:
        """What of *text*, and of what was held back before it, is new.

        Raises:
            Unjoinable: it was told to begin otherwise.
        """
        if not self._seeking:
            return self._after_space(text)
        self._held += text
        begun = self._held.lstrip()
        found = begun.find(self._anchor)
        if found >= 0 and self._body.endswith(begun[: found + len(self._anchor)]):
            self._seeking = False
            return self._after_space(begun[found + len(self._anchor) :])
        if self._may_yet_join(begun):
            return ""
        return self._give_up_seeking()

    def end(self) -> str:
        """What was held back, now that no more will come.

        Raises:
            Unjoinable: its end came before the place was known.
        """
        return self._give_up_seeking() if self._seeking else ""

    def _may_yet_join(self, begun: str) -> bool:
        """Whether it may turn out to be a repetition that goes on to the end of what was said."""
        return 0 <= self._body.find(begun) <= len(self._body) - len(self._anchor)

    def _give_up_seeking(self) -> str:
        if self._must:
            raise Unjoinable
        self._seeking = False
        return self._after_space(self._held)

    def _after_space(self, text: str) -> str:
        if not self._space or not text:
            return text
        known = 0
        for had, came in zip(self._space, text, strict=False):
            if had != came:
                break
            known += 1
        self._space = self._space[known:] if known == len(text) else ""
        return text[known:]
