"""Every number of the demo that somebody measured, and who.

Latency at the servers: LLMPerf leaderboard, results per request, December 2023 and January 2024, Apache-2.0,
    github.com/ray-project/llmperf-leaderboard at 27aa9b6a. A cell is one provider and one size of Llama-2-chat: 150
    calls of 550 tokens in and 150 out, five at a time. The demo does not vary TTFT with the prompt: nothing in this
    source does. Providers and speeds are those of 2023: labelled distributions, not claims about anyone's today.
Latency under load: a vLLM test of Llama-3-8B on one A10G, github.com/ray-project/llmperf pull request 42.
Network: Azure inter-region round trips, 95th percentile, July 2026, learn.microsoft.com/azure/networking (CC BY 4.0);
    East US, West US 2 and France Central. On a warm connection TTFT grows by one round trip: the slope of TTFT on
    round trips is 0.95 to 1.02 in thefastest.ai's runs of gpt-3.5-turbo (April 2024, MIT, fixie-ai/thefastest.ai).
Traffic: Azure LLM inference trace 2023, conversation service, CC BY 4.0, github.com/Azure/AzurePublicDataset; Patel et
    al., "Splitwise: Efficient generative LLM inference using phase splitting", ISCA 2024.
"""

from __future__ import annotations

from types import MappingProxyType

import attrs

from .quantiles import Quantiles

SHARES = (0.0, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0)


def _table(*values: float) -> Quantiles:
    return Quantiles(SHARES, values)


@attrs.frozen
class Cell:
    """One provider and model of the leaderboard. Seconds to the first token, and seconds per token after it.

    The two are to be drawn independently: inside a cell their logarithms correlate between -0.25 and 0.22.
    """

    ttft_s: Quantiles
    tpot_s: Quantiles


ANYSCALE_70B = Cell(
    _table(0.175, 0.178, 0.183, 0.185, 0.193, 0.213, 0.297, 0.321, 0.362, 0.475, 0.593),
    _table(0.00982, 0.01109, 0.0112, 0.01182, 0.01242, 0.01384, 0.01619, 0.01862, 0.02053, 0.03453, 0.039),
)
ANYSCALE_13B = Cell(
    _table(0.182, 0.183, 0.187, 0.189, 0.193, 0.202, 0.219, 0.269, 0.335, 0.496, 0.558),
    _table(0.00504, 0.00522, 0.00579, 0.00588, 0.00647, 0.00682, 0.00762, 0.00839, 0.00892, 0.0101, 0.01116),
)
GROQ_70B = Cell(
    _table(0.172, 0.173, 0.175, 0.178, 0.186, 0.222, 0.241, 0.299, 0.304, 0.35, 0.363),
    _table(0.00345, 0.00363, 0.00364, 0.00364, 0.00365, 0.00374, 0.00422, 0.00433, 0.00454, 0.00456, 0.00459),
)

STRAGGLING = 0.005
"""Share of calls far out of their cell's body. 17 of the 19 cells show none in 150 calls, together's 13B two, and
replicate's 70B more than a tenth."""

STRAGGLES_S = (2.0, 10.0)
"""How long those take to start, evenly in the logarithm: well out of the body, and less than the 50 to 100 s of
together's two, for which a short demo cannot wait."""

HEADERS_AHEAD_S = 0.0014
"""Median time from the headers to the first token (thefastest.ai, clean runs): they usually come together."""

CONCURRENCY = (1, 2, 4, 8, 16, 32, 64)
TTFT_AT_CONCURRENCY_MS = (137, 151, 171, 249, 303, 320, 1080)
TPOT_AT_CONCURRENCY_MS = (31, 33, 34, 37, 43, 50, 62)
CELLS_CONCURRENCY = 5
"""At which the cells above were measured, so where the curve of load is 1."""

ROUND_TRIP_S = MappingProxyType(
    {("us-east", "us-west"): 0.075, ("us-east", "eu-west"): 0.090, ("us-west", "eu-west"): 0.153}
)

PROMPT_TOKENS = _table(2, 29, 181, 207, 396, 1020, 1189, 2734, 4083, 4142, 14050)
ANSWER_TOKENS = _table(7, 16, 41, 54, 85, 129, 395, 424, 451, 601, 1000)
"""Independent of the prompt: the correlation of their logarithms is 0.09."""

GAP_SPREAD = 1.08
"""Coefficient of variation of the time between arrivals, the drift taken out: a little more than Poisson's 1."""

DRIFT_SPREAD = 0.22
"""Standard deviation of the rate around its mean, the same over bins of 5 to 120 s."""

DRIFT_S = 300.0
"""Time over which that drift forgets, from its autocovariance: 0.055 at 1 s, 0.039 at 80 s, 0.017 at 480 s."""
