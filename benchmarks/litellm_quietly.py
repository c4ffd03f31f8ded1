"""LiteLLM, as the benchmarks import it: without a question to the network, and without its logs."""

from __future__ import annotations

import logging
import os
from typing import Any

from benchmarks.apart import library


def litellm() -> Any:
    """The library.

    Raises:
        Absent: it is not installed.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks the network when it is imported
    found = library("litellm")
    found.suppress_debug_info = True
    logging.disable(logging.CRITICAL)
    return found
