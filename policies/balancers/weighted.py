"""By chance, in proportion to weights somebody has set.

For what no measurement can know: a contract to be used up, a new deployment that is to get a twentieth of the traffic,
two regions bought in the proportion two to one. It looks at neither latency nor load, so let `LatencyBudget` stand
outside it and keep the endpoints that are good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs

from ...router import check
from ...router.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...router.call import Call
    from ...router.target import Target


def _weights(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping) or not value:
        raise ConfigurationError(f"Weighted: weights must map endpoints' names to numbers, not {value!r}")
    for weight in cast("Mapping[object, object]", value).values():
        check.positive(instance, attribute, weight)


@attrs.frozen(kw_only=True)
class Weighted:
    """One by chance, each in proportion to its weight.

    weights: by the endpoint's name, each above 0; only their proportions matter. Who is not named weighs 1.
    """

    weights: Mapping[str, float] = attrs.field(validator=_weights)

    def choose(self, targets: Sequence[Target], call: Call, now_s: float, /) -> Target:
        """As `Balancer`."""
        weights = [self.weights.get(target.name, 1.0) * target.weight(now_s) for target in targets]
        return call.dice.choices(targets, weights)[0]
