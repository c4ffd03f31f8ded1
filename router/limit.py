"""A limit of calls in flight that finds itself: what it is told, and what it answers.

How many calls an endpoint bears is rarely known and never constant: a quota is shared, a provider grows or is in
trouble. Too low a limit makes calls wait for nothing; too high a one lets queues collapse at the other end. So a limit
may be learned, from what the endpoint does with the calls it is given.

What it may learn from is *loss*: 429, 503, 529 and timeouts. Total latency must never drive it: an answer is long
because there was much to say, at no load at all, and a limit that takes that for a queue falls to its floor. Time to
first token may, among prompts of one size (`TtftGradient`).

Sources: Netflix concurrency-limits (a sample is a success, dropped or ignored; loss-based limits on clients).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .verdict import Signal


class Limiter(Protocol):
    """A live limit, owned by one `Target`. Everything is O(1) or happens once a window."""

    @property
    def limit(self) -> int:
        """Slots in all, as of now."""
        ...

    def spoke(self, size: int, ttft_s: float, used: int, now_s: float) -> None:
        """A stream has its first progress.

        size: class of its prompt's size. ttft_s: seconds it took. used: slots in use, its own included.
        """
        ...

    def ended(self, signal: Signal, used: int, usual_s: float | None, now_s: float) -> None:
        """An attempt is over.

        used: slots in use, its own included. usual_s: the endpoint's usual time to first token, None if unknown.
        """
        ...


@runtime_checkable
class AdaptiveLimit(Protocol):
    """The description of a limit that finds itself, for ``Endpoint(slots=...)``: frozen, and as good for many."""

    def limiter(self) -> Limiter:
        """A fresh one, for one target."""
        ...


class Losses:
    """Counts a burst of losses once: after one, those of the next moment tell of the same overload.

    otherwise_s: how long the moment is where the endpoint's usual time to first token is not known.
    """

    __slots__ = ("_otherwise_s", "_over_s")

    def __init__(self, otherwise_s: float) -> None:
        self._otherwise_s = otherwise_s
        self._over_s: float | None = None

    def is_news(self, usual_s: float | None, now_s: float) -> bool:
        """Whether a loss at *now_s* is the first of its burst; then a moment of *usual_s* begins."""
        if self._over_s is not None and now_s < self._over_s:
            return False
        self._over_s = now_s + (usual_s or self._otherwise_s)
        return True


class SampleWindow:
    """How much was in use at most, over a stretch of time with enough samples in it.

    window_s: seconds it lasts at least. samples: it has at least.
    """

    __slots__ = ("_began_s", "_samples", "_seen", "_window_s", "most_used")

    def __init__(self, window_s: float, samples: int) -> None:
        self._window_s = window_s
        self._samples = samples
        self._began_s: float | None = None
        self._seen = 0
        self.most_used = 0

    def add(self, used: int, now_s: float) -> bool:
        """Count one sample. Says whether the window is complete; whoever asked then calls `restart`."""
        if self._began_s is None:
            self._began_s = now_s
        self._seen += 1
        self.most_used = max(self.most_used, used)
        return self._seen >= self._samples and now_s - self._began_s >= self._window_s

    def restart(self) -> None:
        """Forget it; the next sample begins a new one."""
        self._began_s = None
        self._seen = self.most_used = 0


def check_range(limit: object, least: int, initial: int, most: int) -> None:
    """Refuse bounds that are out of order.

    Raises:
        ConfigurationError: with what to mend.
    """
    if not least <= initial <= most:
        raise ConfigurationError(
            f"{type(limit).__name__}: initial ({initial}) must lie between least ({least}) and most ({most})"
        )
