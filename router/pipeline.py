"""The whole framework in one signature.

    async (call, emit) -> None

A handler takes a call and pushes chunks into ``emit`` until the answer is complete. Returned means finished: the
last token is delivered and nothing is left open. A policy is a handler around another one. Because the answer is
pushed, a timeout is a cancel scope, a slot is a ``with`` block and a second try is a second ``await``; none of them
has to survive the function that made it.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Awaitable, Callable, Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .errors import ImpossibleOrder, NotAPolicy

if TYPE_CHECKING:
    from .call import Call
    from .chunk import Chunk

Emit: TypeAlias = Callable[["Chunk"], Awaitable[None]]
Handler: TypeAlias = Callable[["Call", Emit], Awaitable[None]]


class Policy(Protocol):
    """A decision about a call on its way to a provider, or about its answer on the way back.

    A policy may say where in a stack it works by an attribute ``layer: Layer``; without one it may stand anywhere. One
    that is told names of routes or endpoints may have a method ``fits(fleet)``, which raises `ConfigurationError` where
    they are none of the router's; it is called once, when the router is built.
    """

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        """Handle *call* by calling *next*, as often as needed, or raise."""
        ...


class Layer(enum.IntEnum):
    """The places in a stack, from the caller inwards. A stack may leave any of them out, but not turn them round."""

    ADMISSION = 2
    MIRROR = 4
    COST = 5
    RESUME = 6
    MODEL = 10
    RETRY = 20
    HEDGE = 30
    REGION = 40
    HEALTH = 45
    QUOTA = 47
    CHOICE = 50
    SLOT = 60
    CHAOS = 90


WHY = {
    Layer.ADMISSION: "what is refused must have cost nothing",
    Layer.MIRROR: "a call is copied once, however often it is tried, and only if it is let in",
    Layer.COST: "it bounds a whole call, whatever models and tries that takes",
    Layer.RESUME: "what breaks off is answered on anew by everything inside, and only once that has given up",
    Layer.MODEL: "a new model means new candidates for everything inside",
    Layer.RETRY: "it repeats what is inside it, so the choice of a model stays outside and that of an endpoint inside",
    Layer.HEDGE: "it races attempts of one try, and each must choose its own endpoint",
    Layer.REGION: "every attempt is filtered anew, and what chooses among endpoints chooses among the allowed ones",
    Layer.HEALTH: "what is chosen among is in, and a trial of one that is out is exactly one call",
    Layer.QUOTA: "each attempt takes its part of a rate limit, and what is chosen among has room in its own",
    Layer.CHOICE: "endpoints are kept and ordered before one is picked",
    Layer.SLOT: "it holds one slot for one attempt, and leaves nothing to choose to what is inside it",
    Layer.CHAOS: "what it breaks is the provider's own answer, so everything else is outside",
}
"""Why each layer stands where it stands."""

ONCE = frozenset(
    {
        Layer.ADMISSION,
        Layer.RESUME,
        Layer.MODEL,
        Layer.RETRY,
        Layer.HEDGE,
        Layer.HEALTH,
        Layer.QUOTA,
        Layer.SLOT,
        Layer.CHAOS,
    }
)
"""Two of these would multiply attempts or refusals, hold two slots for one, reserve twice, or follow two rules."""


def compose(policies: Sequence[Policy], leaf: Handler) -> Handler:
    """Wrap *leaf* so that the first policy sees the call first.

    Done once, when a router is built. A call then costs one coroutine a layer and allocates no closure.

    Raises:
        NotAPolicy: one of *policies* is not ``async (call, emit, next) -> None``.
        ImpossibleOrder: the order cannot work; the message says which two to swap.
    """
    for policy in policies:
        check_policy(policy)
    check_order(policies)
    handler = leaf
    for policy in reversed(policies):
        handler = _around(policy, handler)
    return handler


def _around(policy: Policy, next: Handler) -> Handler:
    """*policy* with *next* given: by a copy of its function that has it for a default, which costs a call no step."""
    handle = policy if inspect.isfunction(policy) else policy.__call__  # looked up once, not by every call
    if isinstance(handle, MethodType):
        given = _given(next, handle.__func__, 4)
        if given is not None:
            return MethodType(given, handle.__self__)
    given = _given(next, handle, 3)
    if given is not None:
        return given

    def handler(call: Call, emit: Emit, /) -> Awaitable[None]:
        return handle(call, emit, next)

    return handler


def _given(last: Handler, function: object, arguments: int) -> FunctionType | None:
    """The function with the last of so many arguments given; None: it takes others, or is none of Python's."""
    if not isinstance(function, FunctionType):
        return None
    code = function.__code__
    takes_any = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    if code.co_argcount != arguments or code.co_kwonlyargcount or takes_any:
        return None
    given = FunctionType(code, function.__globals__, function.__name__, (last,), function.__closure__)
    given.__qualname__ = function.__qualname__
    return given


def name_of(policy: object) -> str:
    """The policy's name in messages and records: its class's, or the function's own."""
    return policy.__name__ if inspect.isfunction(policy) else type(policy).__name__


def check_policy(policy: object) -> None:
    """Refuse what is not ``async (call, emit, next) -> None``.

    Raises:
        NotAPolicy: saying what it is instead.
    """
    if isinstance(policy, type):
        raise NotAPolicy(f"{policy.__name__} is a class: put an object of it into the stack, {policy.__name__}()")
    function = policy if inspect.isfunction(policy) else getattr(type(policy), "__call__", None)
    if function is None or not callable(policy):
        raise NotAPolicy(f"{policy!r} is not a policy: it must be callable as async (call, emit, next) -> None")
    if not inspect.iscoroutinefunction(function):
        raise NotAPolicy(f"{name_of(policy)} is not a policy: write it as 'async def __call__'")
    try:
        inspect.signature(policy).bind("call", "emit", "next")
    except TypeError as mismatch:
        raise NotAPolicy(
            f"{name_of(policy)} is not a policy: it must take (call, emit, next), but {mismatch}"
        ) from None


def check_order(policies: Sequence[Policy]) -> None:
    """Refuse an order that cannot work.

    Raises:
        ImpossibleOrder: naming the two policies, and why.
    """
    outer: tuple[Layer, str] | None = None
    for policy in policies:
        layer: Layer | None = getattr(policy, "layer", None)
        if layer is None:
            continue
        name = name_of(policy)
        if outer is not None and layer < outer[0]:
            raise ImpossibleOrder(
                f"{name} stands inside {outer[1]} and belongs outside it: put {name} before {outer[1]}. "
                f"{name}: {WHY[layer]}. {outer[1]}: {WHY[outer[0]]}."
            )
        if outer is not None and layer == outer[0] and layer in ONCE:
            raise ImpossibleOrder(f"{outer[1]} and {name} both work at layer {layer.name}: keep one of them")
        outer = (layer, name)
