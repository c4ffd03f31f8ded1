"""What the gateway serves, as an OpenAPI description at ``/openapi.json``: for people's tools, and for its own tests.

It describes what the gateway itself looks at. Bodies may hold more, which goes to the vendors as it is, and what those
answer is theirs to describe.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TypeAlias

import msgspec
from aiohttp import web

from .told import OF_JSON
from .wishes import LONGEST_BUDGET_MS, MOST_CHARACTERS

Json: TypeAlias = dict[str, object]

PATH = "/openapi.json"


def routes() -> list[web.RouteDef]:
    """The one path."""
    body = msgspec.json.encode(description())

    async def described(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=OF_JSON)

    return [web.get(PATH, described)]


def description() -> Json:
    """The description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Paceline",
            "version": version("paceline"),
            "description": "OpenAI's and Anthropic's API over a router by latency.",
        },
        "security": [{}, {"bearer": []}, {"key": []}],
        "paths": {
            "/v1/chat/completions": {"post": _call("OpenAI's chat completions", "ChatRequest", "Completion", "Error")},
            "/v1/completions": {
                "post": _call("OpenAI's completions of a text", "TextRequest", "Completion", "Error"),
            },
            "/v1/embeddings": {
                "post": _call("OpenAI's embeddings", "EmbeddingRequest", "Embeddings", "Error", streams=False),
            },
            "/v1/messages": {
                "post": {
                    **_call("Anthropic's messages", "MessagesRequest", "Message", "AnthropicError"),
                    "parameters": [*_WISHES, _BETAS],
                }
            },
            "/v1/models": {"get": _read("The names a call may give as its model", "Models")},
            "/v1/models/{model}": {
                "get": {
                    **_read("One of them", "Model", 404),
                    "parameters": [{"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}],
                }
            },
            "/healthz": {"get": _open("Whether the program lives", "Readiness", 200)},
            "/readyz": {"get": _open("Whether each route has an endpoint that is in", "Readiness", 200, 503)},
            PATH: {"get": _open("This description", "Description", 200)},
        },
        "components": {"schemas": _SCHEMAS, "securitySchemes": _KEYS},
    }


def _call(summary: str, asked: str, answered: str, error: str, *, streams: bool = True) -> Json:
    content: Json = {"application/json": _like(answered)}
    if streams:
        content["text/event-stream"] = {"schema": {"type": "string", "description": "Server-sent events"}}
    responses: Json = {
        "200": {
            "description": "The answer, whole or as a stream, as was asked" if streams else "The answer, whole",
            "headers": _TOLD,
            "content": content,
        }
    }
    for status, why in _REFUSALS.items():
        responses[status] = {"description": why, "content": {"application/json": _like(error)}}
    return {
        "summary": summary,
        "parameters": _WISHES,
        "requestBody": {"required": True, "content": {"application/json": _like(asked)}},
        "responses": responses,
    }


def _read(summary: str, schema: str, *more: int) -> Json:
    responses: Json = {"200": {"description": summary, "content": {"application/json": _like(schema)}}}
    for status in (401, 403, *more):
        told = {"description": _REFUSALS[str(status)], "content": {"application/json": _like("Error")}}
        responses[str(status)] = told
    return {"summary": summary, "responses": responses}


def _open(summary: str, schema: str, *statuses: int) -> Json:
    content = {"application/json": _like(schema)}
    return {
        "summary": summary,
        "security": [],
        "responses": {str(status): {"description": summary, "content": content} for status in statuses},
    }


def _like(schema: str) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}


def _header(about: str, schema: Json) -> Json:
    return {"description": about, "schema": schema}


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties}


_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": r"^[!-~]([ -~]*[!-~])?$"}
_COUNT: Json = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_MESSAGES: Json = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "object", "required": ["role"], "properties": {"role": _TEXT}},
}

_SAID: Json = {"type": "string", "minLength": 1, "pattern": r"\S"}
_USER: Json = {**_SAID, "type": ["string", "null"]}
_FLAG: Json = {"type": ["boolean", "null"]}
_CHOICES: Json = {"type": ["integer", "null"], "minimum": 1, "maximum": 128}
_TOKENS: Json = {"type": "array", "minItems": 1, "items": {"type": "integer"}}
_PROMPT: Json = {
    "description": "A text, texts, the tokens of one, or those of several",
    "anyOf": [
        _TEXT,
        {"type": "array", "minItems": 1, "items": _TEXT},
        _TOKENS,
        {"type": "array", "minItems": 1, "items": _TOKENS},
    ],
}

_REFUSALS = {
    "400": "The request is wrong, or no endpoint could do what it asks for",
    "401": "There is no key, or it is none of the gateway's",
    "403": "Without keys, pages of other sites are not answered",
    "404": "There is no such route or model",
    "408": "The body did not arrive in time",
    "409": "The vendor saw a conflict",
    "413": "The body is too long",
    "415": "The body is not said to be JSON",
    "429": "A rate, a quota or the route's money is used up; Retry-After says when to come back",
    "500": "A mistake of the gateway's own",
    "502": "The vendors failed",
    "503": "Nobody has room now; Retry-After says when to come back",
    "504": "Nobody answered in time",
    "529": "Anthropic's status for vendors without room",
}

_WISHES: list[Json] = [
    {"name": name, "in": "header", "required": False, "description": about, "schema": schema}
    for name, about, schema in (
        (
            "x-paceline-budget-ms",
            "Milliseconds for the whole answer; default the route's",
            {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_BUDGET_MS},
        ),
        ("x-paceline-route", "The class of traffic; the body's model then narrows it", _NAME),
        ("x-paceline-priority", "What fast means", {"type": "string", "enum": ["ttft", "total", "throughput"]}),
        (
            "x-paceline-urgency",
            "Who gets a slot first",
            {"type": "string", "enum": ["interactive", "normal", "background"]},
        ),
        ("x-paceline-residency", "Regions that may see the call, with commas between", _NAME),
        ("x-paceline-location", "The region the person is in", _NAME),
        ("x-paceline-user", "Who, for sticky regions", _NAME),
        ("x-paceline-min-quality", "The least quality tier", {**_COUNT, "minimum": 0}),
        ("x-paceline-expected-tokens", "How long the answer is likely to be", _COUNT),
    )
]

_BETAS: Json = {
    "name": "anthropic-beta",
    "in": "header",
    "required": False,
    "description": "What of Anthropic's own is to be switched on, with commas between; says nothing to other vendors",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"},
}

_TOLD: Json = {
    "x-request-id": _header("Of the request: the caller's own, or a new one", _TEXT),
    "x-paceline-endpoint": _header("Who answers", _TEXT),
    "x-paceline-region": _header("Where", _TEXT),
    "x-paceline-model": _header("With which model", _TEXT),
    "x-paceline-route": _header("Which class of traffic this was", _TEXT),
    "x-paceline-attempts": _header("Tries so far", {"type": "integer"}),
    "x-paceline-fallbacks": _header("Models that were left for another", {"type": "integer"}),
    "x-paceline-gateway-ms": _header("Milliseconds that were the gateway's own", {"type": "number"}),
}

_KEYS: Json = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}

_MODEL = _object(["id", "object", "created", "owned_by"], id=_TEXT, created={"type": "integer"}, owned_by=_TEXT)
_SCHEMAS: Json = {
    "ChatRequest": _object(
        ["model", "messages"],
        model=_SAID,
        messages=_MESSAGES,
        stream=_FLAG,
        max_tokens={"type": ["integer", "null"], "minimum": 1},
        max_completion_tokens={"type": ["integer", "null"], "minimum": 1},
        n=_CHOICES,
        user=_USER,
    ),
    "TextRequest": _object(
        ["model", "prompt"],
        model=_SAID,
        prompt=_PROMPT,
        stream=_FLAG,
        max_tokens={"type": ["integer", "null"], "minimum": 0},
        n=_CHOICES,
        user=_USER,
    ),
    "EmbeddingRequest": _object(
        ["model", "input"],
        model=_SAID,
        input=_PROMPT,
        encoding_format={"enum": ["float", "base64"]},
        user=_USER,
    ),
    "MessagesRequest": _object(
        ["model", "messages", "max_tokens"],
        model=_SAID,
        messages={
            "type": "array",
            "minItems": 1,
            "items": _object(["role", "content"], role={"enum": ["user", "assistant"]}, content=_TEXT),
        },
        max_tokens=_COUNT,
        stream=_FLAG,
    ),
    "Embeddings": _object(["data"], data={"type": "array"}),
    "Completion": _object(["choices"], choices={"type": "array"}),
    "Message": _object(["type", "content"], type={"const": "message"}, content={"type": "array"}),
    "Error": _object(["error"], error=_object(["message", "type", "code"], message=_TEXT, type=_TEXT, code=_TEXT)),
    "AnthropicError": _object(
        ["type", "error"], type={"const": "error"}, error=_object(["type", "message"], type=_TEXT, message=_TEXT)
    ),
    "Model": _MODEL,
    "Models": _object(["object", "data"], object={"const": "list"}, data={"type": "array", "items": _MODEL}),
    "Readiness": _object(["status"], status=_TEXT, routes={"type": "object"}),
    "Description": {"type": "object"},
}
