"""The numbers somebody measured, for when the data are not there. Derived figures, no rows.

Speeds: LLMPerf leaderboard, December 2023 and January 2024, Apache-2.0, github.com/ray-project/llmperf-leaderboard at
    27aa9b6a: Llama-2-chat 70B, about 150 calls a provider, 550 tokens in and 150 out, five at a time. The names are
    those of 2023: labels of distributions, no claims about anyone's service today.
Round trips: Azure, 95th percentile, July 2026, from East US, learn.microsoft.com/azure/networking (CC BY 4.0).
Drift: thefastest.ai, 15 April to 3 May 2024, MIT: the median change of TTFT between two clean runs of one of 24 Azure
    endpoints, mostly a day apart, is a factor of e^0.17 up or down. For a normal distribution the standard deviation of
    the logarithm is then 0.17 / 0.6745 / sqrt 2.
Level by region: the same; the part of TTFT that is not distance differs between the server regions of one model on
    Azure by 0.22 to 0.31 s, a standard deviation of about 0.12 of the logarithm.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from paceline.gateway.demo.published import SHARES
from paceline.gateway.demo.quantiles import Quantiles


def _table(*values: float) -> Quantiles:
    return Quantiles(SHARES, values)


MEASURED_AT_TOKENS = 550

TTFT_S = MappingProxyType(
    {
        "anyscale": _table(0.175, 0.1779, 0.183, 0.1852, 0.193, 0.2128, 0.2973, 0.3212, 0.362, 0.4745, 0.5928),
        "bedrock": _table(0.2857, 0.2974, 0.3117, 0.3599, 0.3745, 0.3877, 0.4149, 0.4904, 0.5421, 0.687, 0.7173),
        "fireworks": _table(0.3175, 0.3305, 0.3471, 0.3591, 0.3913, 0.5166, 0.5618, 0.6362, 0.7868, 0.9515, 0.9576),
        "groq": _table(0.172, 0.1734, 0.1754, 0.178, 0.186, 0.2219, 0.2407, 0.2988, 0.3037, 0.35, 0.3631),
        "perplexity": _table(0.2909, 0.2969, 0.3119, 0.3249, 0.3419, 0.3661, 0.5168, 0.6118, 0.6343, 0.6587, 0.6855),
        "together": _table(0.4559, 0.4789, 0.5042, 0.5091, 0.5463, 0.6353, 0.6742, 0.7336, 0.7701, 0.8709, 0.8913),
    }
)
"""Seconds to the first token."""

TPOT_S = MappingProxyType(
    {
        "anyscale": _table(
            0.009816, 0.01109, 0.0112, 0.01182, 0.01242, 0.01384, 0.01619, 0.01862, 0.02053, 0.03453, 0.039
        ),
        "bedrock": _table(
            0.04288, 0.04298, 0.04323, 0.04334, 0.0436, 0.04387, 0.04455, 0.04747, 0.04949, 0.05133, 0.05136
        ),
        "fireworks": _table(
            0.01888, 0.019, 0.01954, 0.01995, 0.0207, 0.02164, 0.02278, 0.02397, 0.02448, 0.02592, 0.02629
        ),
        "groq": _table(
            0.00345, 0.003632, 0.003637, 0.003638, 0.003652, 0.003742, 0.004222, 0.004326, 0.004535, 0.004563, 0.004586
        ),
        "perplexity": _table(
            0.02035, 0.0207, 0.02527, 0.02864, 0.02963, 0.03048, 0.03224, 0.0342, 0.0356, 0.03632, 0.03672
        ),
        "together": _table(
            0.009636, 0.009772, 0.01004, 0.01042, 0.01089, 0.01151, 0.01237, 0.01393, 0.01489, 0.01882, 0.02381
        ),
    }
)
"""Seconds for each token after the first."""

AZURE = MappingProxyType(
    {
        "us-east": "East US",
        "us-west": "West US 2",
        "eu-west": "France Central",
        "eu-north": "Sweden Central",
        "asia-east": "Japan East",
    }
)
"""What our regions are called in the table of round trips."""

ROUND_TRIP_S = MappingProxyType(
    {"us-east": 0.0, "us-west": 0.075, "eu-west": 0.090, "eu-north": 0.110, "asia-east": 0.165}
)
"""From us-east, where the calls are made."""

DAY_TO_DAY = 0.17
"""Median absolute change of the logarithm of TTFT between two runs."""

NORMAL_QUARTILE = 0.6745

REGION_SPREAD = 0.12
"""Standard deviation of the logarithm of TTFT between regions of one provider, the distance apart."""


def drift_spread(day_to_day: float) -> float:
    """Standard deviation of the logarithm's level, from the median of its changes between independent instants."""
    return day_to_day / NORMAL_QUARTILE / math.sqrt(2.0)
