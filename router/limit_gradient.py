"""A limit that follows the time to first token: when calls begin to queue at the other end, it lets in fewer.

Some endpoints never refuse. They take what comes, and everybody waits longer for the first token. What shows it is the
ratio of the usual first-token time to that of the last second:

    ratio    = usual / of late                       1 at ease, 1/2 when calls wait as long as they are read
    gradient = clamp(tolerance * ratio, 1/2, 1)      a rise by half is noise
    limit'   = limit * (1 - smoothing) + smoothing * (limit * gradient + headroom)

Both times are compared within one class of prompt sizes, since a long prompt takes longer to read at no load at all;
each class has a say by its calls. Times of whole answers are not looked at. A loss shrinks the limit as in `Aimd`,
which the original ignores; and as there, a limit that is not half in use is left alone.

The usual time is an average over some hundreds of seconds of traffic, so under an overload that lasts it drifts up and
the limit with it. A loss, or the next lull, sets that right.

Source: Gradient2Limit of Netflix concurrency-limits, and its defaults.
"""

from __future__ import annotations

from statistics import median

import attrs

from . import check
from .limit import Limiter, Losses, SampleWindow, check_range
from .verdict import Signal

USUAL_OVER = 600
"""Windows the usual time is averaged over, the newest weighing most."""

WARM_UP = 10
"""Windows at first that weigh alike."""

FORGIVEN = 2.0
"""Ratio above which the usual time is taken for a relic of a slower hour."""

FORGOTTEN = 0.95
"""What such a window leaves of it."""


@attrs.frozen(kw_only=True)
class TtftGradient:
    """A limit by the gradient of the time to first token: ``Endpoint(slots=TtftGradient())``. Streams drive it alone.

    initial: slots to begin with; at least 1, from *least* to *most*. Default 20.
    least, most: bounds of the limit, at least 1. Default 1 and 200.
    tolerance: how many times the usual a first token may take before the limit shrinks, above 0. Default 1.5.
    headroom: slots that are added in every window, above 0: a queue this long is welcome. Default 4.
    smoothing: weight of a window, above 0, up to 1. Default 0.2.
    decrease: what a loss leaves of the limit; above 0, up to 1, where 1 ignores losses. Default 0.9.
    window_s: seconds of a window, above 0. Default 1.0.
    samples: first tokens it must have, at least 1; it lasts until it has. Default 10.
    """

    initial: int = attrs.field(default=20, validator=check.count(1))
    least: int = attrs.field(default=1, validator=check.count(1))
    most: int = attrs.field(default=200, validator=check.count(1))
    tolerance: float = attrs.field(default=1.5, validator=check.positive)
    headroom: float = attrs.field(default=4.0, validator=check.positive)
    smoothing: float = attrs.field(default=0.2, validator=check.share)
    decrease: float = attrs.field(default=0.9, validator=check.share)
    window_s: float = attrs.field(default=1.0, validator=check.positive)
    samples: int = attrs.field(default=10, validator=check.count(1))

    def __attrs_post_init__(self) -> None:
        check_range(self, self.least, self.initial, self.most)

    def limiter(self) -> Limiter:
        """As `AdaptiveLimit`."""
        return GradientLimiter(self)

    def after(self, limit: float, ratio: float) -> float:
        """The limit that follows *limit*, after a window whose first tokens took 1 / *ratio* times the usual."""
        gradient = min(1.0, max(0.5, self.tolerance * ratio))
        wanted = limit * (1.0 - self.smoothing) + self.smoothing * (limit * gradient + self.headroom)
        return min(float(self.most), max(float(self.least), wanted))


class GradientLimiter:
    """One `TtftGradient` at work.

    size: the limit before it is rounded down.
    """

    __slots__ = ("_gradient", "_losses", "_seen", "_usual", "_window", "size")

    def __init__(self, gradient: TtftGradient) -> None:
        self._gradient = gradient
        self._losses = Losses(gradient.window_s)
        self._window = SampleWindow(gradient.window_s, gradient.samples)
        self._seen: dict[int, list[float]] = {}
        self._usual: dict[int, _Usual] = {}
        self.size = float(gradient.initial)

    @property
    def limit(self) -> int:
        """As `Limiter`."""
        return int(self.size)

    def spoke(self, size: int, ttft_s: float, used: int, now_s: float) -> None:
        """As `Limiter`."""
        self._seen.setdefault(size, []).append(ttft_s)
        if self._window.add(used, now_s):
            ratio = self._ratio()
            if 2 * self._window.most_used >= self.size:
                self.size = self._gradient.after(self.size, ratio)
            self._restart()

    def ended(self, signal: Signal, used: int, usual_s: float | None, now_s: float) -> None:
        """As `Limiter`. How long an answer took to its end is not asked."""
        del used
        if signal is Signal.DROPPED:
            self._restart()
            if self._losses.is_news(usual_s, now_s):
                self.size = max(float(self._gradient.least), self.size * self._gradient.decrease)

    def _ratio(self) -> float:
        """Usual over of late, the median of all calls of the window, each against its own class."""
        ratios: list[float] = []
        for size, seen in self._seen.items():
            usual = self._usual.setdefault(size, _Usual())
            ratios += [usual.against(median(seen))] * len(seen)
        return median(ratios)

    def _restart(self) -> None:
        self._seen.clear()
        self._window.restart()


class _Usual:
    """The usual time of one class: an exponential average of its windows."""

    __slots__ = ("_s", "_windows")

    def __init__(self) -> None:
        self._s = 0.0
        self._windows = 0

    def against(self, lately_s: float) -> float:
        """Take one window in, and say how many times of its time the usual is."""
        if lately_s <= 0.0:
            return 1.0
        self._windows += 1
        weight = 1.0 / self._windows if self._windows <= WARM_UP else 2.0 / (USUAL_OVER + 1)
        self._s += weight * (lately_s - self._s)
        ratio = self._s / lately_s
        if ratio > FORGIVEN:
            self._s *= FORGOTTEN
        return ratio
