"""Vectors for texts, without a model: equal texts have equal ones, and others have none near.

Each is drawn from its text alone, so that it is the same in every process, and has the length 1, as OpenAI's have.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import InvalidRequest
from ..prompt import prompts_in

if TYPE_CHECKING:
    from ..chunk import Vector
    from ..prompt import One
    from ..request import Request

DIMENSIONS = 256
"""Where the params do not say."""

MOST_DIMENSIONS = 4096


def vectors_for(request: Request) -> tuple[Vector, ...]:
    """One for each text of its prompt, with as many ``dimensions`` as its params say.

    Raises:
        InvalidRequest: they say no whole number from 1 to 4096.
    """
    dimensions = request.params.get("dimensions")
    if dimensions is None:
        dimensions = DIMENSIONS
    if not isinstance(dimensions, int) or isinstance(dimensions, bool) or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InvalidRequest(f"params: dimensions must be a whole number from 1 to {MOST_DIMENSIONS}")
    return tuple(_vector(one, dimensions) for one in prompts_in(request.prompt or ""))


@lru_cache(maxsize=256)
def _vector(one: One, dimensions: int) -> Vector:
    dice = random.Random(f"{one}")
    numbers = [dice.gauss(0.0, 1.0) for _ in range(dimensions)]
    length = math.hypot(*numbers)
    return tuple(number / length for number in numbers)
