"""LiteLLM's Router in a process of its own, for `benchmarks.overhead`: what its routing costs, without any HTTP.

    python -m benchmarks.overhead_peers

says ``ready``, or why it is absent, then reads lines ``call WAY AT_ONCE CALLS`` or ``chunk WAY 1 CALLS`` and answers
each with the microseconds of processor time a call, or a chunk. It has ten deployments and routes by latency; its
answers are mocked by its own ``mock_response``, so nothing is sent; retries and its network look-ups are off.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from benchmarks.apart import READY, Absent, answering
from benchmarks.litellm_quietly import litellm
from benchmarks.overhead_ways import PULLED

DEPLOYMENTS = 10
MESSAGES = [{"role": "user", "content": "hello"}]
SHORT, LONG = "ok", "word " * 1024


def router() -> Any:
    """LiteLLM's Router, as its documentation shows it.

    Raises:
        Absent: it is not installed.
    """
    library = litellm()
    deployments = [
        {
            "model_name": "model",
            "litellm_params": {"model": f"openai/model-{number}", "api_key": "bench"},
            "model_info": {"id": f"deployment-{number}"},
        }
        for number in range(DEPLOYMENTS)
    ]
    return library.Router(model_list=deployments, routing_strategy="latency-based-routing", num_retries=0)


async def one(through: Any, way: str, said: str = SHORT) -> int:
    """One call. Gives the chunks of its answer."""
    chunks = 0
    answer = await through.acompletion(model="model", messages=MESSAGES, mock_response=said, stream=way == PULLED)
    if way == PULLED:
        async for _ in answer:
            chunks += 1
    return chunks


async def call_us(through: Any, way: str, at_once: int, calls: int) -> float:
    """CPU microseconds a call."""
    began_s = time.process_time()
    for _ in range(calls // at_once):
        await asyncio.gather(*(one(through, way) for _ in range(at_once)))
    return (time.process_time() - began_s) / calls * 1e6


async def chunk_us(through: Any, way: str, calls: int) -> float:
    """CPU microseconds a chunk more."""
    spent_s, chunks = {SHORT: 0.0, LONG: 0.0}, {SHORT: 0, LONG: 0}
    for _ in range(calls):
        for said in spent_s:
            began_s = time.process_time()
            chunks[said] += await one(through, way, said)
            spent_s[said] += time.process_time() - began_s
    return (spent_s[LONG] - spent_s[SHORT]) / (chunks[LONG] - chunks[SHORT]) * 1e6


async def main() -> None:
    """Do as asked until there is nothing more to read."""
    with answering() as said:
        try:
            through = router()
        except Absent as why:
            print(why, file=said)
            return
        print(READY, file=said)
        for line in sys.stdin:
            what, way, at_once, calls = line.split()
            if what == "call":
                print(await call_us(through, way, int(at_once), int(calls)), file=said)
            else:
                print(await chunk_us(through, way, int(calls)), file=said)


if __name__ == "__main__":
    asyncio.run(main())
