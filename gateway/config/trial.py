"""What is served when no file is given: a fleet that exists in this process only, to try the gateway with at once.

`TRIAL` is a configuration file like any other, and meant to be read: a chat route over two models in three regions,
with latencies as hosted models have them. The larger model is better and slower, ``us-east-mini`` fails now and then,
and ``eu-mini`` has bad minutes.
"""

from __future__ import annotations

from ...router.plugins import Catalogue
from .configuration import Configuration
from .file import read_text

SOURCE = "(simulated fleet)"

TRIAL = """\
# A simulated fleet. Put your own endpoints in its place: provider = "openai", base_url, api_key_env, model, region.

[gateway]
host = "127.0.0.1"
port = 8080

[[endpoint]]
name = "us-east-mini"
model = "mini"
region = "us-east"
slots = 64
quality = 2
price_in_per_m = 0.15
price_out_per_m = 0.6
profile = { ttft_ms = 320, tokens_per_s = 110 }
[endpoint.provider]
kind = "simulated"
seed = 1
behaviour = { ttft_ms = 300, tokens_per_s = 110, round_trip_ms = 10, knee = 48, error_rate = 0.01 }

[[endpoint]]
name = "us-west-mini"
model = "mini"
region = "us-west"
slots = 64
quality = 2
price_in_per_m = 0.15
price_out_per_m = 0.6
profile = { ttft_ms = 380, tokens_per_s = 100 }
[endpoint.provider]
kind = "simulated"
seed = 2
behaviour = { ttft_ms = 320, tokens_per_s = 100, round_trip_ms = 65, knee = 48 }

[[endpoint]]
name = "eu-mini"
model = "mini"
region = "eu-west"
slots = 64
quality = 2
price_in_per_m = 0.17
price_out_per_m = 0.66
profile = { ttft_ms = 400, tokens_per_s = 105 }
[endpoint.provider]
kind = "simulated"
seed = 3
[endpoint.provider.behaviour]
ttft_ms = 310
tokens_per_s = 105
round_trip_ms = 90
knee = 48
incidents = [
    { from_s = 120, to_s = 180, slower = 5 },
    { from_s = 420, to_s = 450, error_rate = 0.5 },
    { from_s = 900, to_s = 1020, slower = 3 },
]

[[endpoint]]
name = "us-east-large"
model = "large"
region = "us-east"
slots = { kind = "aimd", initial = 16, most = 64 }
quality = 3
price_in_per_m = 2.5
price_out_per_m = 10
profile = { ttft_ms = 620, tokens_per_s = 65 }
[endpoint.provider]
kind = "simulated"
seed = 4
behaviour = { ttft_ms = 600, tokens_per_s = 65, round_trip_ms = 10, knee = 24, tail = 0.01 }

[[endpoint]]
name = "eu-large"
model = "large"
region = "eu-west"
slots = { kind = "aimd", initial = 16, most = 64 }
quality = 3
price_in_per_m = 2.5
price_out_per_m = 10
profile = { ttft_ms = 700, tokens_per_s = 60 }
[endpoint.provider]
kind = "simulated"
seed = 5
behaviour = { ttft_ms = 610, tokens_per_s = 60, round_trip_ms = 90, knee = 24 }

[[route]]
name = "chat"
models = ["mini", "large"]
priority = "ttft"
objective = { ttft_ms = 800, total_ms = 8000, success = 0.99 }
budget_ms = 15000
max_tokens = 1024

[policies]
stack = "interactive"
here = "us-east"
rtt_ms = { us-east = { us-west = 65, eu-west = 90 } }
"""


def trial(catalogue: Catalogue | None = None) -> Configuration:
    """The simulated fleet. Made anew with each call, since policies belong to one router.

    catalogue: as for `read_file`.
    """
    return read_text(TRIAL, SOURCE, {}, catalogue)
