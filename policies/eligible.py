"""What one call may choose from when some endpoints are out: the reasoning of `Breaker`, without its waiting.

Those that are well, in their order and with their ties. When they are too few, those that are out by our own
conclusion as well (`panic`); when there is nobody, everybody.

One that is being eased in is shown to as great a share of the calls as its weight is. That bounds what it gets under
any balancer, and under a ranking by latency, which would give the fastest everything at once. A balancer by load that
weighs by `Target.weight` makes it exact; one that does not gives the idle newcomer up to twice its part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..router.errors import NoEndpoint
from ..router.events import Panic
from ..router.ledger import Outcome
from .panic import panicking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..router.call import Call
    from ..router.health.ejection import Ejection
    from ..router.health.health import Health
    from ..router.health.outliers import Outliers
    from ..router.health.probe import Probe
    from ..router.ledger import Attempt
    from ..router.target import Target


class Choice:
    """What *call* may choose from now. Nothing here waits, so what is decided holds until the endpoint is picked."""

    __slots__ = ("_before", "_call", "_now_s", "_out", "_outliers", "_well")

    def __init__(self, call: Call, outliers: Outliers) -> None:
        self._call, self._outliers = call, outliers
        self._now_s = call.clock()
        outliers.tidy(self._now_s)
        self._out = out = outliers.out
        self._well = [target for target in call.candidates if target not in out]
        self._before = _tries_before(call)

    def trial(self) -> tuple[Target, Probe] | None:
        """An endpoint that is due to be tried, and the leave to; None if this call is to try none.

        A try after the first goes to who is well, as long as there is one: a caller meets one trial at most.
        """
        if self._before and self._well:
            return None
        for target, health in self._out.items():
            if health.is_due(self._now_s) and target.slots.has_room and target in self._call.candidates:
                self._note("tries %s, to see whether it is well again", _Out([target], self._out))
                return target, health.begin_trial(self._now_s)
        return None

    def narrowed(self, panic_below: float) -> Call:
        """The call with the candidates it may choose from; never none.

        Raises:
            NoEndpoint: all are out, and there is somebody better to ask.
        """
        call, kept = self._call, self._well
        if len(kept) < len(call.candidates):
            if not kept:
                self._look_elsewhere()
            if not kept or not self._before:  # what is left for a later try is no measure of how many are well
                kept = self._with_panic(panic_below)
            if len(kept) < len(call.candidates):
                stay = set(kept)
                left_out = [target for target in call.candidates if target not in stay]
                self._note("keeps out %s", _Out(left_out, self._out))
        kept = self._eased_in(kept)
        return call if len(kept) == len(call.candidates) else _narrowed(call, kept)

    def _look_elsewhere(self) -> None:
        """Nobody is left: is there somebody better to ask than one that is out?

        Raises:
            NoEndpoint: there is.
        """
        call, out = self._call, self._out
        ejected = {target.endpoint for target in out}
        for attempt in self._before:
            if attempt.endpoint not in ejected and _may_be_asked_again(attempt):
                raise NoEndpoint(f"all that is untried is out: {attempt.endpoint.name} is not, and may be asked again")
        if not self._before and self._another_model_follows():
            raise NoEndpoint(f"every endpoint of {call.target.model} is out: {_Out(call.candidates, out)}")

    def _another_model_follows(self) -> bool:
        """Whether this is the leg of a fallback, with another to come that has an endpoint which is well."""
        call = self._call
        if call.request.model is not None:
            return False
        here = {target.model for target in call.candidates}
        models = call.route.models
        last = max(models.index(model) for model in here)
        return any(
            target.model in models[last + 1 :]
            and target not in self._out
            and (call.residency is None or target.region in call.residency)
            for target in self._outliers.targets
        )

    def _with_panic(self, panic_below: float) -> list[Target]:
        """Those that are well, and those of a level in panic that are out by our own conclusion; of none, all."""
        call, out = self._call, self._out
        leading = sum(target not in out for target in call.candidates[: call.tied])
        levels = ((leading, call.tied), (len(self._well) - leading, len(call.candidates) - call.tied))
        panics = panicking(levels, panic_below)
        kept = [
            target
            for place, target in enumerate(call.candidates)
            if (health := out.get(target)) is None
            or (panics[place >= call.tied] and health.ejection is not None and not health.ejection.told)
        ] or list(call.candidates)
        if len(kept) > len(self._well):
            self._tell_panic(len(kept) - len(self._well))
        return kept

    def _tell_panic(self, asked_too: int) -> None:
        call, well, of = self._call, len(self._well), len(self._call.candidates)
        self._note("panic: %d of %d are well, so %d that are out may be asked too", well, of, asked_too)
        if call.listeners:
            call.listeners.tell(Panic(at_s=self._now_s, call=call, well=well, of=of))

    def _eased_in(self, kept: list[Target]) -> list[Target]:
        """Without those of the returning that this call is not to see. Somebody with room always stays."""
        weights = {target: health.weight(self._now_s) for target, health in self._outliers.returning.items()}
        present = [target for target in kept if target in weights] if weights else []
        if not present:
            return kept
        fullest = max(weights[target] for target in present) if len(present) == len(kept) else 1.0
        spared = {target for target in present if self._call.dice.random() * fullest >= weights[target]}
        others = [target for target in kept if target not in spared]
        if not spared or not any(target.slots.has_room for target in others):
            return kept
        self._note("spares %s, to ease it in", ", ".join(target.name for target in present if target in spared))
        return others

    def _note(self, words: str, *facts: object) -> None:
        self._call.ledger.note(self._now_s, "Breaker", words, *facts)


class _Out:
    """Endpoints with why each is out, put into words when somebody reads them."""

    __slots__ = ("_why",)

    def __init__(self, targets: Sequence[Target], out: Mapping[Target, Health]) -> None:
        self._why: list[tuple[str, Ejection | None]] = [(target.name, out[target].ejection) for target in targets]

    def __str__(self) -> str:
        return "; ".join(name if ejection is None else f"{name} ({ejection.why})" for name, ejection in self._why)


def _tries_before(call: Call) -> list[Attempt]:
    """The tries this call has made at the models of its candidates."""
    attempts = call.ledger.attempts
    if not attempts:
        return []
    models = {target.model for target in call.candidates}
    return [attempt for attempt in attempts if attempt.endpoint.model in models]


def _may_be_asked_again(attempt: Attempt) -> bool:
    """Whether somebody else sees to it: it is still running, or a retry may go there again."""
    if attempt.outcome is Outcome.RUNNING:
        return True
    return attempt.error is not None and attempt.error.same and attempt.error.retryable


def _narrowed(call: Call, kept: list[Target]) -> Call:
    """The call with *kept*, in their order and with what is left of their tie.

    If nobody of the tie is left, the next nearest region is.
    """
    leading = set(call.candidates[: call.tied])
    tied = sum(target in leading for target in kept)
    if tied == 0:
        tied = next((place for place, target in enumerate(kept) if target.region != kept[0].region), len(kept))
    return call.with_(candidates=tuple(kept), tied=tied)
