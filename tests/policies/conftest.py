"""Every policy works for streams and for whole answers, so its tests ask both ways."""

from __future__ import annotations

import pytest

from .asking import Ask, in_pieces, whole


@pytest.fixture(params=[whole, in_pieces], ids=["whole", "in_pieces"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """A way to ask."""
    way: Ask = request.param
    return way
