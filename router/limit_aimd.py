"""A limit that grows by one while all goes well, and shrinks by a tenth when something is lost.

The rule that shares the internet among strangers: those who each add a little and on loss give up a share converge to
equal shares, with nobody telling them. So it fits a quota that several routers draw on without knowing of each other.
It looks at loss alone, so neither long answers nor long prompts move it.

    loss:                          limit = max(least, limit * decrease)   once per usual time to first token
    a window without one:          limit = min(most, limit + 1)           if at least half of it was in use

A limit that is not used is not tested, so it does not grow; and after a loss the calls that were already on their way
must not shrink it again for the same overload.

Use it where calls are refused (429, 503, 529) or time out when there are too many. Where an endpoint never refuses and
only becomes slow, use `TtftGradient`.

Sources: Chiu and Jain, "Analysis of increase and decrease algorithms" (1989); AIMDLimit of Netflix concurrency-limits,
whose least limit of 20 is above many a quota.
"""

from __future__ import annotations

import attrs

from . import check
from .limit import Limiter, Losses, SampleWindow, check_range
from .verdict import Signal


@attrs.frozen(kw_only=True)
class Aimd:
    """Additive increase, multiplicative decrease: ``Endpoint(slots=Aimd(initial=20))``.

    initial: slots to begin with, the quota if it is known; at least 1, from *least* to *most*. Default 20.
    least, most: bounds of the limit, at least 1. Default 1 and 200.
    decrease: what a loss leaves of the limit; above 0, up to 1, where 1 ignores losses. Default 0.9.
    window_s: seconds without a loss that earn one slot more, above 0. Default 1.0.
    samples: attempts that must have ended well in them, at least 1; the window lasts until they have. Default 10.
    """

    initial: int = attrs.field(default=20, validator=check.count(1))
    least: int = attrs.field(default=1, validator=check.count(1))
    most: int = attrs.field(default=200, validator=check.count(1))
    decrease: float = attrs.field(default=0.9, validator=check.share)
    window_s: float = attrs.field(default=1.0, validator=check.positive)
    samples: int = attrs.field(default=10, validator=check.count(1))

    def __attrs_post_init__(self) -> None:
        check_range(self, self.least, self.initial, self.most)

    def limiter(self) -> Limiter:
        """As `AdaptiveLimit`."""
        return AimdLimiter(self)


class AimdLimiter:
    """One `Aimd` at work.

    size: the limit before it is rounded down, so that small limits shrink by less than a whole slot.
    """

    __slots__ = ("_aimd", "_losses", "_window", "size")

    def __init__(self, aimd: Aimd) -> None:
        self._aimd = aimd
        self._losses = Losses(aimd.window_s)
        self._window = SampleWindow(aimd.window_s, aimd.samples)
        self.size = float(aimd.initial)

    @property
    def limit(self) -> int:
        """As `Limiter`."""
        return int(self.size)

    def spoke(self, size: int, ttft_s: float, used: int, now_s: float) -> None:
        """A first token is no news here."""

    def ended(self, signal: Signal, used: int, usual_s: float | None, now_s: float) -> None:
        """As `Limiter`."""
        if signal is Signal.DROPPED:
            self._window.restart()  # what went well before says nothing of now
            if self._losses.is_news(usual_s, now_s):
                self.size = max(float(self._aimd.least), self.size * self._aimd.decrease)
        elif signal is Signal.OK and self._window.add(used, now_s):
            if 2 * self._window.most_used >= self.size:
                self.size = min(float(self._aimd.most), self.size + 1.0)
            self._window.restart()
