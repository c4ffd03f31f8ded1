"""What OpenAI's ``reasoning_effort`` asks of Anthropic's models. Two generations of them take it in two ways.

From Claude 4.6 on a model decides itself how long to think, and is told with how much effort: `AdaptiveThinking`.
Those before take a number of tokens: `ThinkingBudgets`. Models refuse the way that is not theirs (4.6 takes both), so
an endpoint's provider must know which it is; nothing is guessed from the name of a model.

A request may bring ``thinking`` of its own, in Anthropic's form. An effort goes with it where it is told apart from it,
as with ``{"type": "adaptive", "display": "summarized"}``, which makes a model show what it thinks; else it is refused.

Source: Anthropic's documentation of adaptive and extended thinking, and of effort.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from ..router import check
from .anthropic_parts import Json, refuse

OFF = "none"
"""The effort of a request that wants no reasoning."""

EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
"""OpenAI's words for effort in Anthropic's, who has none for ``minimal``."""

LEAST_BUDGET = 1024
"""Anthropic's own limit."""


@attrs.frozen(kw_only=True)
class Thought:
    """What a request is to say.

    thinking, effort: for ``thinking`` and ``output_config.effort``; None leaves it out.
    max_tokens: the cap on the answer, thinking included.
    """

    thinking: Json
    effort: str | None
    max_tokens: int


@runtime_checkable
class Thinking(Protocol):
    """How a model is told to think."""

    def thought(self, effort: str, max_tokens: int | None, default: int) -> Thought:
        """What to say for *effort*.

        max_tokens: the cap that was set; None if none was, and *default* is to hold for the answer without thinking.

        Raises:
            Unsupported: there is no such effort here, or no room for it.
        """
        ...


@attrs.frozen
class AdaptiveThinking:
    """For models from Claude 4.6 on. ``minimal`` is as ``low``; the others have the same name at Anthropic's."""

    def thought(self, effort: str, max_tokens: int | None, default: int) -> Thought:
        """As `Thinking` says."""
        cap = default if max_tokens is None else max_tokens
        if effort == OFF:
            return Thought(thinking={"type": "disabled"}, effort=None, max_tokens=cap)
        return Thought(thinking={"type": "adaptive"}, effort=EFFORTS[_known(effort)], max_tokens=cap)


@attrs.frozen(kw_only=True)
class ThinkingBudgets:
    """For models before Claude 4.6: tokens to think with, at least 1024 each, for each effort of OpenAI's.

    Where nobody set a cap on the answer they come on top of the provider's own. A cap that was set holds, and thinking
    gets at most half of it, but never less than 1024.
    """

    minimal: int = attrs.field(default=1024, validator=check.count(LEAST_BUDGET))
    low: int = attrs.field(default=2048, validator=check.count(LEAST_BUDGET))
    medium: int = attrs.field(default=8192, validator=check.count(LEAST_BUDGET))
    high: int = attrs.field(default=16384, validator=check.count(LEAST_BUDGET))
    xhigh: int = attrs.field(default=32768, validator=check.count(LEAST_BUDGET))

    def thought(self, effort: str, max_tokens: int | None, default: int) -> Thought:
        """As `Thinking` says."""
        if effort == OFF:
            return Thought(
                thinking={"type": "disabled"}, effort=None, max_tokens=default if max_tokens is None else max_tokens
            )
        budgets = {
            "minimal": self.minimal,
            "low": self.low,
            "medium": self.medium,
            "high": self.high,
            "xhigh": self.xhigh,
            "max": self.xhigh,
        }
        budget = budgets[_known(effort)]
        if max_tokens is None:
            max_tokens = default + budget
        elif max_tokens <= LEAST_BUDGET:
            refuse("reasoning_effort", f"thinking takes at least {LEAST_BUDGET} tokens, so allow more max_tokens")
        else:
            budget = max(LEAST_BUDGET, min(budget, max_tokens // 2))
        return Thought(thinking={"type": "enabled", "budget_tokens": budget}, effort=None, max_tokens=max_tokens)


def _known(effort: str) -> str:
    if effort not in EFFORTS:
        refuse("reasoning_effort", f"it must be one of {', '.join((OFF, *EFFORTS))}")
    return effort
