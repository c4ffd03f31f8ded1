"""The other clients of `benchmarks.streaming`, each as its own documentation shows it, with retries turned off.

One that is not installed, or does not start, is `Absent` with the reason, and the others are measured without it.
"""

from __future__ import annotations

import importlib
import logging
import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

Ask: TypeAlias = Callable[[str], Awaitable[None]]
MESSAGES = [{"role": "user", "content": "hello"}]
WAYS = ("trickle", "burst", "whole")
MODEL = "bench-1"


class Absent(Exception):
    """A client cannot be measured. The message says why."""


def library(name: str) -> Any:
    """The library *name*, none of which ships types that are worth a dependency of the type checkers.

    Raises:
        Absent: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"not installed ({error})") from None


@asynccontextmanager
async def openai(url: str) -> AsyncGenerator[Ask]:
    """OpenAI's own SDK, one client a way."""
    sdk = library("openai")
    clients = {way: sdk.AsyncOpenAI(api_key="bench", base_url=f"{url}/{way}/v1", max_retries=0) for way in WAYS}

    async def ask(way: str) -> None:
        if way == "whole":
            await clients[way].chat.completions.create(model=MODEL, messages=MESSAGES)
            return
        async for _ in await clients[way].chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            pass

    yield ask
    for client in clients.values():
        await client.close()


@asynccontextmanager
async def litellm(url: str) -> AsyncGenerator[Ask]:
    """LiteLLM's Router, one deployment a way."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks the network when it is imported
    library("litellm").suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.ERROR)
    deployments = [
        {
            "model_name": way,
            "litellm_params": {"model": f"openai/{MODEL}", "api_key": "bench", "api_base": f"{url}/{way}/v1"},
        }
        for way in WAYS
    ]
    router = library("litellm").Router(model_list=deployments, num_retries=0)

    async def ask(way: str) -> None:
        answer = await router.acompletion(model=way, messages=MESSAGES, stream=way != "whole")
        if way != "whole":
            async for _ in answer:
                pass

    yield ask


TENSORZERO_MODEL = """
[models.{way}]
routing = ["bench"]

[models.{way}.providers.bench]
type = "openai"
model_name = "bench-1"
api_base = "{url}/{way}/v1/"
api_key_location = "none"
"""


@asynccontextmanager
async def tensorzero(url: str) -> AsyncGenerator[Ask]:
    """TensorZero's gateway, embedded, without observability."""
    client = library("tensorzero").AsyncTensorZeroGateway
    config = "[gateway]\nobservability.enabled = false\n" + "".join(
        TENSORZERO_MODEL.format(way=way, url=url) for way in WAYS
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tensorzero.toml"
        path.write_text(config, encoding="utf-8")
        try:
            opened = await client.build_embedded(config_file=str(path), async_setup=True)
        except Exception as error:  # noqa: BLE001  whatever it is: it is told in the table
            raise Absent(f"does not start ({type(error).__name__}: {error})") from None

        async def ask(way: str) -> None:
            answer = await opened.inference(model_name=way, input={"messages": MESSAGES}, stream=way != "whole")
            if way != "whole":
                async for _ in answer:
                    pass

        async with opened:
            yield ask


PEERS: Mapping[str, Callable[[str], AbstractAsyncContextManager[Ask]]] = {
    "openai": openai,
    "litellm": litellm,
    "tensorzero": tensorzero,
}
"""By the names they are installed under."""
