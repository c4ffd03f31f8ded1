"""One model of one provider in one region, as it is configured. What is learned about it lives in `Target`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, cast, runtime_checkable

import attrs

from . import check
from .clock import Clock
from .credential import Credential, credential_or_none
from .errors import ConfigurationError
from .limit import AdaptiveLimit
from .operation import Operation, operations, operations_of, told
from .pipeline import Handler
from .profile import Profile


@runtime_checkable
class Provider(Protocol):
    """An adapter that speaks to one kind of server. A frozen description; what it opens belongs to one router.

    One that can do more than chat says so by ``operations`` (`operation.Operates`).
    """

    @property
    def name(self) -> str:
        """The provider's name in reports, such as ``openai``."""
        ...

    def check(self, endpoint: Endpoint) -> None:
        """Refuse an endpoint this provider could not call.

        Raises:
            ConfigurationError: saying what to mend.
        """
        ...

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Handler]:
        """Open what calls need (a connection pool, say) for one router, and give the handler that speaks."""
        ...


@attrs.frozen(kw_only=True)
class Limits:
    """How long one attempt at an endpoint may take. None: no limit. The caller's deadline takes precedence over all.

    first_token_s: seconds of a stream to the first progress; above 0. Default 30.
    gap_s: seconds between two pieces of progress; above 0. Keep-alives do not count. Default 30.
    total_s: seconds from start to end; above 0. Default None: the caller's deadline rules.
    """

    first_token_s: float | None = attrs.field(default=30.0, validator=check.if_given(check.positive))
    gap_s: float | None = attrs.field(default=30.0, validator=check.if_given(check.positive))
    total_s: float | None = attrs.field(default=None, validator=check.if_given(check.positive))


def _slots(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, type) or not isinstance(value, AdaptiveLimit):
        check.count(1)(instance, attribute, value)


def _operations(value: object) -> frozenset[Operation]:
    return operations(value, "Endpoint: operations")


def _headers(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    pairs = cast("Mapping[object, object]", value).items() if isinstance(value, Mapping) else [(value, value)]
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in pairs):
        raise ConfigurationError(f"{check.owner(instance, attribute)} must be text by name; what is not cannot be sent")


@attrs.frozen(kw_only=True, eq=False)
class Endpoint:
    """One model of one provider in one region.

    name: unique in its router.
    provider: the adapter that calls it.
    model: the name requests and routes use.
    region: where it runs, in the words of the routes' residency and the callers' location. Default ``global``.
    domain: what it fails together with, so that a second try prefers another. Default ``provider/region``: a vendor's
        site, so vendors behind one adapter need names of their own (``OpenAICompatible(name=...)``). Give two endpoints
        one domain if more than that is shared (a gateway, say), or different ones if less.
    url: base URL, where the provider needs one, such as ``https://api.openai.com/v1``. Default None: the provider's.
    api_key: a `Secret`, or a string that becomes one; a `TokenSource`, or a function that becomes one; `Keys`, or a
        list of these that becomes one. Never shown. Default None.
    deployment: the name the vendor knows the model by. Default: *model*.
    slots: calls in flight at once, at least 1; or a limit that finds itself, such as ``Aimd()``. Default None: no
        limit.
    tokens_per_slot: tokens of the prompt that one slot is worth, at least 1: a call takes as many slots as its prompt
        needs, and at most all there are. Default None: every call takes one.
    queue: calls that may wait for a slot, at least 0. Default 64.
    quality: tier of the model, at least 0, higher is better. Default 0.
    price_in_per_m, price_out_per_m: money per million tokens in and out; at least 0. Default None: unknown.
    profile: the latency to believe in before anything is measured. Default None: unknown.
    limits: of one attempt. Default ``Limits()``.
    operations: what it can do, of what its provider can: others pass it over. At least one. Default: all of that. Say
        it of a model for embeddings, which no chat should be sent to.
    headers: sent with every call; values never shown. Default: none.
    """

    name: str = attrs.field(validator=check.named)
    provider: Provider = attrs.field(
        validator=check.one_of(Provider), repr=lambda provider: getattr(provider, "name", "?")
    )
    model: str = attrs.field(validator=check.named)
    region: str = attrs.field(default="global", validator=check.named)
    domain: str = attrs.field(
        default=attrs.Factory(lambda self: f"{getattr(self.provider, 'name', '?')}/{self.region}", takes_self=True),
        validator=check.named,
    )
    url: str | None = attrs.field(default=None, validator=check.if_given(check.named))
    api_key: Credential | None = attrs.field(default=None, converter=credential_or_none, repr=False)
    deployment: str = attrs.field(
        default=attrs.Factory(lambda self: self.model, takes_self=True), validator=check.named
    )
    slots: int | AdaptiveLimit | None = attrs.field(default=None, validator=check.if_given(_slots))
    tokens_per_slot: int | None = attrs.field(default=None, validator=check.if_given(check.count(1)))
    queue: int = attrs.field(default=64, validator=check.count(0))
    quality: int = attrs.field(default=0, validator=check.count(0))
    price_in_per_m: float | None = attrs.field(default=None, validator=check.if_given(check.at_least_zero))
    price_out_per_m: float | None = attrs.field(default=None, validator=check.if_given(check.at_least_zero))
    profile: Profile | None = attrs.field(default=None, validator=check.if_given(check.one_of(Profile)))
    limits: Limits = attrs.field(factory=Limits, validator=check.one_of(Limits))
    operations: frozenset[Operation] = attrs.field(
        default=attrs.Factory(lambda self: operations_of(self.provider), takes_self=True), converter=_operations
    )
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], validator=_headers, repr=False)

    def __attrs_post_init__(self) -> None:
        able = operations_of(self.provider)
        if not self.operations <= able:
            raise ConfigurationError(
                f"Endpoint {self.name!r}: operations has {told(self.operations - able)}, which its provider "
                f"{self.provider.name} cannot do; it can do {told(able)}"
            )
        self.provider.check(self)
