"""A policy for tests: answers lose the bytes they came in, as if they had come in no form of a vendor's."""

from __future__ import annotations

from msgspec.structs import replace

from paceline.router import Call, Chunk, Emit, Handler


class Unwired:
    """Of each chunk, what the router knows of it and no more."""

    async def __call__(self, call: Call, emit: Emit, next: Handler, /) -> None:
        async def without_bytes(chunk: Chunk) -> None:
            await emit(replace(chunk, raw=b""))

        await next(call, without_bytes)
