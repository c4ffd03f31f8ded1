"""Paths and methods that are not served, said in the API's form: clients show that to people, and HTML they do not."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from aiohttp import web

from ..dialects.refused import NotServed, WrongMethod
from .told import OF_JSON

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from ..dialects import Dialect

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOT_YET = ("/v1/responses",)
EVERYTHING = r"/{path:[\s\S]*}"
"""A dot would leave out paths with a line break in them."""


def routes(
    dialect: Dialect, served: Iterable[web.RouteDef], others: Mapping[str, Dialect] = MappingProxyType({})
) -> list[web.RouteDef]:
    """What answers where nothing does, in the words of *dialect*.

    served: all there is, for the methods that would do. others: paths that speak another form, they and all below them.
    """
    methods: dict[str, set[str]] = {}
    for route in served:
        methods.setdefault(route.path, set()).add(route.method)
    return [
        *(web.route("*", at, _wrong_method(others.get(at, dialect), sorted(names))) for at, names in methods.items()),
        *(web.route("*", at + EVERYTHING, _nothing_below(other, at)) for at, other in others.items()),
        *(web.route("*", path, _not_yet(dialect, path)) for path in NOT_YET),
        web.route("*", EVERYTHING, _not_served(dialect)),
    ]


def _wrong_method(dialect: Dialect, methods: list[str]) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        allow = ", ".join(methods)
        return _said(dialect, WrongMethod(f"this path takes {allow}", allow=allow))

    return handler


def _not_yet(dialect: Dialect, path: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        told = f"{path} is not served: no provider of this gateway can answer it. Use /v1/chat/completions"
        return _said(dialect, NotServed(told))

    return handler


def _nothing_below(dialect: Dialect, path: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return _said(dialect, NotServed(f"nothing is served below {path}: of this API there is {path} alone"))

    return handler


def _not_served(dialect: Dialect) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return _said(dialect, NotServed("nothing is served at this path: is the base URL right? It ends in /v1"))

    return handler


def _said(dialect: Dialect, refused: NotServed | WrongMethod) -> web.Response:
    reply = dialect.error(refused)
    return web.Response(status=reply.status, body=reply.body, headers={**OF_JSON, **reply.headers})
