"""One small call to each endpoint, past every policy: does the key fit, does the model answer, and how fast?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ...router import Endpoint, Request, Router
from ...router.errors import PacelineError
from ..suited import suited
from .findings import Live

PROMPT = "Say ok."
TOKENS = 16
"""The least that every vendor takes for a cap."""


async def call_each(endpoints: Sequence[Endpoint], within_s: float) -> list[Live]:
    """Call all of them at the same time, each by a router of its own; none for longer than *within_s*."""
    return list(await asyncio.gather(*(_call(endpoint, within_s) for endpoint in endpoints)))


async def _call(endpoint: Endpoint, within_s: float) -> Live:
    began_s = time.monotonic()
    try:
        async with Router([endpoint], grace_s=0.0) as router:
            began_s = time.monotonic()
            asked = Request(messages=PROMPT, model=endpoint.model, max_tokens=TOKENS, budget_s=within_s)
            answer = await router.complete(suited(asked, PROMPT, endpoint.operations))
    except PacelineError as error:
        total_s = round(time.monotonic() - began_s, 4)
        return Live(
            endpoint=endpoint.name, ok=False, ttft_s=None, total_s=total_s, tokens=None, reason=error.reason,
            error=str(error),
        )  # fmt: skip
    return Live(
        endpoint=endpoint.name,
        ok=True,
        ttft_s=None if answer.ttft_s is None else round(answer.ttft_s, 4),
        total_s=round(answer.total_s, 4),
        tokens=answer.usage.output_tokens,
        reason=None,
        error=None,
    )
