"""Where users were served last, so that they come back to where their prompt caches may be warm.

A cache outlives a call by minutes, not days, and there are more users than memory. So only the latest are kept, each
for a while after the last call.
"""

from __future__ import annotations

from collections import OrderedDict


class Homes:
    """Regions by user, the latest users only.

    most: users kept at once, at least 0; 0 keeps none. for_s: seconds after a user's last call that it is kept.
    """

    __slots__ = ("_for_s", "_homes", "_most")

    def __init__(self, most: int, for_s: float) -> None:
        self._most = most
        self._for_s = for_s
        self._homes: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Region and the instant until which it counts, by user; the one that was served longest ago comes first."""

    def of(self, user: str, now_s: float) -> str | None:
        """The region a user was served in; None if that is not known, or too long ago."""
        home = self._homes.get(user)
        return home[0] if home is not None and now_s < home[1] else None

    def keep(self, user: str, region: str, now_s: float) -> None:
        """A user has been served in *region*."""
        if not self._most:
            return
        homes = self._homes
        homes[user] = (region, now_s + self._for_s)
        homes.move_to_end(user)
        while len(homes) > self._most or next(iter(homes.values()))[1] <= now_s:
            homes.popitem(last=False)

    def __len__(self) -> int:
        return len(self._homes)
