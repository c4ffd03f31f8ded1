"""Go on with an answer that broke off, or has stalled, after the caller has seen its beginning.

Until the first word an answer can be tried again anywhere and nobody knows. After it, somebody is reading. Then an
answer that breaks off is an error (a truncated answer never passes for a whole one), unless the route says what to do:

* `Splice`: another endpoint continues it, and the caller notices a pause at most. Plain text only.
* `Restart`: the caller is told to discard it, and gets another. For callers who know the chunk that says so.
* `Refuse`: it ends in the error. The default.

This is the one policy that repeats anything after the commit point, and these are the terms: a bounded number of
times, each paid from the router's `Budget`, within the call's deadline, somewhere else if there is a somewhere else,
and either the whole answer comes out or one error that says how much was delivered. The tokens of all legs are added up
in the usage that the caller is told.

It also notices sooner that an answer has stalled (`Stall`), on streams and on answers taken whole. Of the latter the
caller has seen nothing, so what broke off is repeated by `Retry` and `Fallback`, inside, and not resumed here.

Stands outside of `Fallback` and `Retry`: those give up what is committed, and each resumption asks all of them anew
where to go. Do not use it where answers have effects, or must come from one model; and mind that the seam of a spliced
answer can be read, if not seen.

Source: the continuation of an interrupted stream is LLM lore rather than literature; the terms are gRPC A6's for
retries (commit point, one budget, one deadline), kept after the commit point as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs
from msgspec.structs import replace

from ..router import check
from ..router.errors import (
    AttemptFailed,
    ConfigurationError,
)
from ..router.operation import EMBEDDING
from ..router.pipeline import Layer
from .resumed import Resumed
from .resumption import Refuse, Resumption
from .said import Said
from .splice import Splice
from .stall import Stall

if TYPE_CHECKING:
    from ..router.call import Call
    from ..router.fleet import Fleet
    from ..router.pipeline import Emit, Handler


def _copied(given: Mapping[str, Resumption | Refuse]) -> Mapping[str, Resumption | Refuse]:
    checked: object = given  # whatever the types promise
    return MappingProxyType(dict(given)) if isinstance(checked, Mapping) else given


def _ways(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    given: object = value  # whatever the types promise
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"Resume: {attribute.name} must be ways by route, such as {{'chat': Splice()}}")
    for way in cast("Mapping[object, object]", given).values():
        _way(instance, attribute, way)


def _way(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, type) or not isinstance(value, Resumption | Refuse):
        raise ConfigurationError(f"Resume: {attribute.name} must be Splice(), Restart() or Refuse(), not {value!r}")


@attrs.frozen(kw_only=True)
class Resume:
    """What becomes of answers that break off after their beginning has reached the caller.

    routes: the way to go on, by the name of the route. Default: none. Takes precedence over *otherwise*.
    otherwise: the way of all other routes. Default `Refuse()`.
    at_most: resumptions of one call. Default 2; at least 1. The router's budget and the call's deadline take precedence
        when they allow fewer.
    stall: what counts as a stall, on the routes that go on. Default `Stall()`; None: what endpoints' limits say.

    The same model goes on, elsewhere, before another model of the route does, and the same endpoint only where there is
    no other and it has not stalled. Raises `StreamInterrupted`, with all that was delivered, when the answer could not
    be completed; `DeadlineExceeded` likewise when time was up.
    """

    layer: ClassVar[Layer] = Layer.RESUME

    routes: Mapping[str, Resumption | Refuse] = attrs.field(
        factory=dict[str, "Resumption | Refuse"], converter=_copied, validator=_ways
    )
    otherwise: Resumption | Refuse = attrs.field(factory=Refuse, validator=_way)
    at_most: int = attrs.field(default=2, validator=check.count(1))
    stall: Stall | None = attrs.field(factory=Stall, validator=check.if_given(check.one_of(Stall)))

    def check_fleet(self, fleet: Fleet, /) -> None:
        """Refuse names that the router does not know.

        Raises:
            ConfigurationError: a route, or a model of a `Splice`, is none of the fleet's.
        """
        routes = {route.name for route in fleet.every_route}
        models = {target.model for target in fleet}
        for route in self.routes:
            _must_be_one_of(routes, route, "route")
        for way in (*self.routes.values(), self.otherwise):
            if isinstance(way, Splice):
                for model in sorted(way.prefill):
                    _must_be_one_of(models, model, "model")

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        way = self.routes.get(call.route.name, self.otherwise)
        if isinstance(way, Refuse) or call.request.operation is EMBEDDING:  # those come all at once
            await next(call, emit)
            return
        watched = call if self.stall is None else replace(call, patience=self.stall)
        if not call.ledger.streamed:
            await next(watched, emit)
            return
        said = Said(emit)
        try:
            await next(watched, said.emit)
        except AttemptFailed as failure:
            if not call.ledger.committed or said.refused is not None:
                raise
            broke_off = failure
        else:
            return
        await Resumed(self, way, watched, said, next).finish(broke_off)


def _must_be_one_of(names: set[str], name: str, what: str) -> None:
    if name not in names:
        raise ConfigurationError(f"Resume: no {what} is named {name!r}; there are {', '.join(sorted(names))}")
