"""Which endpoints share a credential, and so a limit.

Those that a `Quota` names share it. All others share what the same key may do with the same model, which is how vendors
count: an endpoint that no quota names joins the one that names its twin. An endpoint without a key stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .allowance import Allowance
from .certain import MOST_KEPT, Certain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..router.target import Target
    from .quota import Quota

Key: TypeAlias = object


class Credentials:
    """The allowance of each endpoint of one router, made when it is first asked for.

    known: those that were asked for. certain: what may be sent without a look at them.
    """

    __slots__ = ("_among", "_by_key", "_quotas", "certain", "known")

    def __init__(self, quotas: Iterable[Quota]) -> None:
        self._quotas = {name: quota for quota in quotas for name in quota.endpoints}
        self._by_key: dict[Key, Allowance] = {}
        self.known: dict[Target, Allowance] = {}
        self.certain = Certain()
        self._among: dict[int, tuple[tuple[Target, ...], tuple[Allowance, ...]]] = {}
        """By identity: a tuple that is handed down again and again is not hashed. It is kept, to stay the only one."""

    def __len__(self) -> int:
        return len(self._by_key)

    def of(self, target: Target, now_s: float) -> Allowance:
        """The one that *target* draws on."""
        allowance = self.known.get(target)
        if allowance is None:
            allowance = self.known[target] = self._made(target, now_s)
        return allowance

    def among(self, targets: tuple[Target, ...], now_s: float) -> tuple[Allowance, ...]:
        """Those that *targets* draw on, each once, in their order."""
        kept = self._among.get(id(targets))
        if kept is None:
            if len(self._among) >= MOST_KEPT:
                self._among.clear()
            kept = targets, tuple(dict.fromkeys([self.of(target, now_s) for target in targets]))
            self._among[id(targets)] = kept
        return kept[1]

    def _made(self, target: Target, now_s: float) -> Allowance:
        quota = self._quota_of(target)
        key, name = (_credential(target), target.name) if quota is None else (id(quota), quota.endpoints[0])
        allowance = self._by_key.get(key)
        if allowance is None:
            allowance = self._by_key[key] = Allowance(name, quota, now_s, self.certain)
        return allowance

    def _quota_of(self, target: Target) -> Quota | None:
        named = self._quotas.get(target.name)
        if named is not None:
            return named
        twins: Sequence[Target] = [other for other in target.outliers.targets if _are_twins(other, target)]
        quotas = {id(quota): quota for twin in twins if (quota := self._quotas.get(twin.name)) is not None}
        return next(iter(quotas.values())) if len(quotas) == 1 else None


def _credential(target: Target) -> Key:
    key = target.endpoint.api_key
    return target if key is None else (key, target.model, target.endpoint.provider.name)


def _are_twins(one: Target, other: Target) -> bool:
    return one is not other and _credential(one) == _credential(other)
