"""``GET /v1/models``: what a client may send as "model": the routes, and the models by their own names.

One answer for the clients of both APIs: a list has OpenAI's fields and Anthropic's, which do not get in each other's
way.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
from aiohttp import web

from ...router import Operation
from ...router.errors import PacelineError, UnknownModel
from .told import OF_JSON

if TYPE_CHECKING:
    from ...router import Route
    from ..dialects import Dialect
    from .front import Front

LIST, ONE = "/v1/models", r"/v1/models/{model:[\s\S]+}"


class Behind(msgspec.Struct, frozen=True):
    """What a name stands for: a route that was configured, or a model of its own; who answers, where, and what."""

    kind: str
    models: tuple[str, ...]
    regions: list[str]
    operations: list[str]


class Model(msgspec.Struct, frozen=True):
    """One name. object, created, owned_by: OpenAI's. type, display_name, created_at: Anthropic's."""

    id: str
    created: int
    created_at: str
    display_name: str
    owned_by: str
    paceline: Behind
    object: str = "model"
    type: str = "model"


class Models(msgspec.Struct, frozen=True):
    """All of them, on one page. object: OpenAI's. has_more, first_id, last_id: Anthropic's."""

    data: list[Model]
    first_id: str
    last_id: str
    has_more: bool = False
    object: str = "list"


def routes(front: Front, dialect: Dialect) -> list[web.RouteDef]:
    """The two paths. *dialect*: that of their errors."""
    since = datetime.now(UTC)

    async def models(http: web.Request) -> web.Response:
        try:
            front.let_in(http.headers)
        except PacelineError as refused:
            return _refused(dialect, refused)
        found = _models(front, since)
        return _json(Models(found, found[0].id, found[-1].id))

    async def model(http: web.Request) -> web.Response:
        name = unquote(http.match_info["model"])
        try:
            front.let_in(http.headers)
            found = next((each for each in _models(front, since) if each.id == name), None)
            if found is None:
                raise UnknownModel("there is no such model here: GET /v1/models lists those there are")
        except PacelineError as refused:
            return _refused(dialect, refused)
        return _json(found)

    return [web.get(LIST, models), web.get(ONE, model)]


def _models(front: Front, since: datetime) -> list[Model]:
    fleet = front.router.fleet
    configured = set(fleet.routes)
    return [_model(front, route, since, configured=route in configured) for route in fleet.every_route]


def _model(front: Front, route: Route, since: datetime, *, configured: bool) -> Model:
    targets = front.router.fleet.serving(route)
    regions = sorted({target.region for target in targets})
    able = {operation for target in targets for operation in target.endpoint.operations}
    operations = [operation.value for operation in Operation if operation in able]
    behind = Behind("route" if configured else "model", route.models, regions, operations)
    vendors = {target.endpoint.provider.name for target in targets}
    owner = "paceline" if configured or len(vendors) > 1 else vendors.pop()
    at = since.isoformat(timespec="seconds")
    return Model(route.name, int(since.timestamp()), at, route.name, owner, behind)


def _json(said: Model | Models) -> web.Response:
    return web.Response(body=msgspec.json.encode(said), headers=OF_JSON)


def _refused(dialect: Dialect, error: PacelineError) -> web.Response:
    reply = dialect.error(error)
    return web.Response(status=reply.status, body=reply.body, headers={**OF_JSON, **reply.headers})
