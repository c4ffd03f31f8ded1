"""How an endpoint comes by its key: one that stays, one that is fetched and changes, or several of either.

    Endpoint(api_key="sk-...")                                          # as it is
    Endpoint(api_key=Secret.from_env("OPENAI_API_KEY"))                 # from the environment
    Endpoint(api_key=TokenSource(get_bearer_token_provider(...)))       # a token that expires, such as Entra's
    Endpoint(api_key=[Secret.from_env("KEY_1"), Secret.from_env("KEY_2")])

These are descriptions: frozen, without a token in them. The tokens in use, and which key is in disgrace, belong to a
router, and live with the connections of its provider.

With several keys, a call that is refused because of its key goes out again with the next one, at once: a refused key
says nothing of the endpoint, which no policy gets to hear of as long as one key works. A key that is refused (401, 402,
403, or a quota that is used up) is set aside for a while; one that is rate-limited rests until the vendor's own time.
When every key is refused, the one that was set aside first is tried all the same: it may have been the vendor's doing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, cast

import attrs

from . import check
from .errors import ConfigurationError
from .secret import Secret

Fetch: TypeAlias = Callable[[], "str | Secret | Awaitable[str | Secret]"]
"""Gives a token that is good now. May be async; must not block."""


def _callable(_instance: object, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if not callable(value) or isinstance(value, type):
        raise ConfigurationError("TokenSource: fetch must be a function without arguments that gives a token")


@attrs.frozen
class TokenSource:
    """A token that is fetched when it is needed, and again when it has been used for a while or is refused.

    fetch: gives a token that is good now, as a string or a `Secret`; async or not. Calls that need one at the same time
        wait for one fetch. If it raises while there is an earlier token, that one is used on.
    reuse_s: seconds a token is used before the next is fetched, above 0. Default 60. Less than a token lasts; a source
        that keeps its tokens itself, as those of vendors' libraries do, may be asked often.
    """

    fetch: Fetch = attrs.field(validator=_callable, repr=False)
    reuse_s: float = attrs.field(default=60.0, kw_only=True, validator=check.positive)


def _each(value: object) -> tuple[Secret | TokenSource, ...]:
    if isinstance(value, str | Secret) or not isinstance(value, Iterable):
        raise ConfigurationError(f"Keys: keys must be a list of keys, not {type(value).__name__}")
    return tuple(_one(key) for key in cast("Iterable[object]", value))


def _one(value: object) -> Secret | TokenSource:
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Secret | TokenSource):
        return value
    if callable(value):
        return TokenSource(cast("Fetch", value))
    raise ConfigurationError(
        f"Endpoint: api_key must be a string, a Secret, a TokenSource or a function, or a list of these, "
        f"not {type(value).__name__}"
    )


def _how_many(value: Any) -> str:
    return f"<{len(value)} keys>"


def _several(_instance: object, _attribute: attrs.Attribute[Any], value: Any) -> None:
    if not value:
        raise ConfigurationError("Keys: the list of keys is empty: give one, or leave the credential out")
    static = [key for key in value if isinstance(key, Secret)]
    if len(set(static)) < len(static):
        raise ConfigurationError("Keys: a key is listed twice: its limits are not doubled by that")


@attrs.frozen
class Keys:
    """Several keys of one endpoint, all of them in use: each call takes the one with the fewest calls in flight.

    keys: strings, `Secret` or `TokenSource`; at least one, each once. Never shown.
    aside_s: seconds a refused key is set aside before it is tried again, above 0. Default 300. A `TokenSource` is asked
        for another token first.
    rest_s: seconds a rate-limited key rests when the vendor does not say for how long, above 0. Default 5.
    """

    keys: tuple[Secret | TokenSource, ...] = attrs.field(converter=_each, validator=_several, repr=_how_many)
    aside_s: float = attrs.field(default=300.0, kw_only=True, validator=check.positive)
    rest_s: float = attrs.field(default=5.0, kw_only=True, validator=check.positive)


Credential: TypeAlias = Secret | TokenSource | Keys


def credential_or_none(value: object) -> Credential | None:
    """Converter: a string becomes a `Secret`, a function a `TokenSource`, a list of them `Keys`; None stays.

    Raises:
        ConfigurationError: it is something else. The message does not show it.
    """
    if value is None or isinstance(value, Keys):
        return value
    if isinstance(value, list | tuple):
        return Keys(cast("Iterable[Secret | TokenSource]", value))
    return _one(value)


def static_secrets(credential: Credential | None) -> tuple[Secret, ...]:
    """Those of *credential*'s secrets that are known without asking anybody."""
    keys = credential.keys if isinstance(credential, Keys) else (credential,)
    return tuple(key for key in keys if isinstance(key, Secret))
