"""The one policy of a bench: a call goes to the endpoint that it is meant for, once, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ...router import Layer

if TYPE_CHECKING:
    from ...router import Call, Emit, Handler

AIM = "bench.endpoint"
"""Key of a request's metadata: the endpoint's name."""


@attrs.frozen
class Aim:
    """Keeps the candidate that the request's metadata names. There is one: the router has that endpoint."""

    layer = Layer.CHOICE

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Pass *call* on, narrowed."""
        meant = tuple(target for target in call.candidates if target.name == call.request.metadata[AIM])
        await next(call.with_(candidates=meant), emit)
