"""The keys of one endpoint in one router: which to send a call with, and how each has fared.

What is configured stands in `router.credential`; what is live stands here, with the connections it is used on: the
token a source gave last, the calls each key has in flight, and until when a refused key is left alone. All decisions
are synchronous; only a fetch of a token waits.

A call takes the key with the fewest calls in flight, of equals the one used least recently, and tries each at most
once.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from ..router.credential import Credential, Keys, TokenSource
from ..router.errors import AttemptFailed, AuthenticationFailed, ConfigurationError, Gated, RateLimited
from ..router.secret import Secret
from ..router.verdict import Health
from .http_address import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..router.clock import Clock
    from ..router.endpoint import Endpoint

AddressOf: TypeAlias = "Callable[[Endpoint, Secret | None], Address]"


class LiveKey:
    """One key in use.

    number: from 1. in_flight: calls that are out with it. used: when it was taken last, as a running number.
    out_until_s: it is left alone until then. why: the word of the failure that put it there, None if it is well.
    refused_s: when that was.
    """

    __slots__ = (
        "_address", "_address_of", "_clock", "_endpoint", "_fetching", "_fresh_until_s", "_source",
        "in_flight", "number", "out_until_s", "refused_s", "secret", "used", "why",
    )  # fmt: skip

    def __init__(
        self, source: Secret | TokenSource | None, number: int, endpoint: Endpoint, address_of: AddressOf, clock: Clock
    ) -> None:
        self._source = source
        self._endpoint = endpoint
        self._address_of = address_of
        self._clock = clock
        self.number = number
        self.in_flight = 0
        self.used = 0
        self.out_until_s = -math.inf
        self.refused_s = -math.inf
        self.why: str | None = None
        self.secret = source if isinstance(source, Secret) else None
        """The key itself, or the last token; None before the first."""
        self._address = None if isinstance(source, TokenSource) else address_of(endpoint, source)
        self._fetching = asyncio.Lock()
        self._fresh_until_s = -math.inf if isinstance(source, TokenSource) else math.inf

    @property
    def fixed(self) -> Address | None:
        """The address, of a key that never changes."""
        return self._address if self._source is self.secret else None

    async def address(self) -> Address:
        """Where calls go, with this key in the headers; a token that has been used for long is fetched anew.

        Raises:
            AuthenticationFailed: there is no token.
        """
        address = self._address
        # An earlier token does for those who come while the next one is on its way.
        if address is None or (self._clock() >= self._fresh_until_s and not self._fetching.locked()):
            async with self._fetching:
                if self._clock() >= self._fresh_until_s:
                    await self._renew()
            address = self._address
        if address is None:
            raise AuthenticationFailed("the token source gave no token", endpoint=self._endpoint.name)
        return address

    async def changed(self, refused: Secret | None) -> bool:
        """Whether there is another token now than *refused*, fetched if need be."""
        if isinstance(self._source, TokenSource) and self.secret == refused:
            self._fresh_until_s = -math.inf
            await self.address()
        return self.secret != refused

    async def _renew(self) -> None:
        source, name = self._source, self._endpoint.name
        if not isinstance(source, TokenSource):
            return
        try:
            given = source.fetch()
            token: object = await given if inspect.isawaitable(given) else given
        except Exception as error:
            if self._address is None:
                told = f"the token source raised {type(error).__name__}: see the __cause__ of this"
                raise AuthenticationFailed(told, endpoint=name) from error
        else:
            if not isinstance(token, str | Secret) or not token:
                told = f"the token source gave no token but {type(token).__name__}"
                raise AuthenticationFailed(told, endpoint=name)
            secret = Secret(token) if isinstance(token, str) else token
            if secret != self.secret:
                try:
                    self._address = self._address_of(self._endpoint, secret)
                except ConfigurationError:
                    told = "the token source gave a token that no header can carry: has it a line break?"
                    raise AuthenticationFailed(told, endpoint=name) from None
                self.secret = secret
                self.why, self.out_until_s = None, -math.inf
        self._fresh_until_s = self._clock() + source.reuse_s


class KeyRing:
    """The live keys of one endpoint."""

    def __init__(self, endpoint: Endpoint, address_of: AddressOf, clock: Clock) -> None:
        credential: Credential | None = endpoint.api_key
        self._name = endpoint.name
        self._settings = credential if isinstance(credential, Keys) else None
        sources = credential.keys if isinstance(credential, Keys) else (credential,)
        self._keys = [LiveKey(source, place, endpoint, address_of, clock) for place, source in enumerate(sources, 1)]
        self._uses = count(1)
        self.only: Address | None = self._keys[0].fixed if len(self._keys) == 1 else None
        """The one address, where there is nothing to choose and nothing to fetch."""

    def __len__(self) -> int:
        return len(self._keys)

    def secrets(self) -> list[str]:
        """Every key and token in use, to be kept out of messages."""
        return [key.secret.reveal() for key in self._keys if key.secret is not None]

    def take(self, now_s: float) -> LiveKey:
        """The key to send a call with. Give it back with `release`.

        Raises:
            Gated: every key that is not refused rests.
        """
        key = self._best(now_s)
        if key is None:
            rests_s = self._rests_s(now_s)
            if rests_s is not None:
                told = f"every key is rate-limited or refused; the next is back in {rests_s:.3f} s"
                raise Gated(told, endpoint=self._name, retry_after_s=rests_s)
            key = min(self._keys, key=lambda key: key.out_until_s)  # all refused: the vendor may think better of it
        return self._taken(key)

    def another(self, tried: set[LiveKey], now_s: float) -> LiveKey | None:
        """A well key that was not *tried*; None if there is none. Give it back with `release`."""
        key = self._best(now_s, tried)
        return None if key is None else self._taken(key)

    def _taken(self, key: LiveKey) -> LiveKey:
        key.in_flight += 1
        key.used = next(self._uses)
        return key

    def release(self, key: LiveKey) -> None:
        """The call that took *key* is over."""
        key.in_flight -= 1

    def answered(self, key: LiveKey, sent_s: float) -> None:
        """*key* works: a call that went out with it at *sent_s* was answered. What it was refused since then counts."""
        if sent_s > key.refused_s:
            key.why, key.out_until_s = None, -math.inf

    def refused(self, key: LiveKey, failure: AttemptFailed, now_s: float) -> bool:
        """A call with *key* failed because of it. Whether it is left alone now, which an only one never is."""
        settings = self._settings
        if settings is None or len(self._keys) == 1:
            return False
        if isinstance(failure, RateLimited):
            for_s = settings.rest_s if failure.retry_after_s is None else failure.retry_after_s
        else:
            for_s = settings.aside_s
        key.why, key.refused_s, key.out_until_s = failure.reason, now_s, now_s + for_s
        return True

    def soften(self, failure: AttemptFailed, now_s: float) -> None:
        """No key is left for the call. While one of them only rests, the endpoint is not ill but busy until then."""
        rests_s = self._rests_s(now_s) if len(self._keys) > 1 else None
        if rests_s is not None:
            failure.health, failure.retry_after_s = Health.LIMIT, rests_s

    def _best(self, now_s: float, tried: set[LiveKey] | None = None) -> LiveKey | None:
        well = [key for key in self._keys if key.out_until_s <= now_s and (tried is None or key not in tried)]
        return min(well, key=lambda key: (key.in_flight, key.used), default=None)

    def _rests_s(self, now_s: float) -> float | None:
        """Seconds until the first of the rate-limited keys is back; None if none is."""
        rests = [key.out_until_s - now_s for key in self._keys if key.why == RateLimited.reason]
        return min((rest_s for rest_s in rests if rest_s > 0), default=None)


def speaks_of_key(failure: AttemptFailed) -> bool:
    """Whether another key may be answered where this one was refused."""
    if isinstance(failure, RateLimited):
        return failure.health is Health.LIMIT  # a deployment that is full is full for every key
    return failure.health is Health.CREDENTIAL
