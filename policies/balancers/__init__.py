"""Ways to pick one of several endpoints that are as good as one another: one strategy a file, for ``Slots(balancer=)``.

`PowerOfTwo` is the default. `PeakEwma` fears the last peak rather than expect the median; `HotCold` takes the fastest
that is not crowded; `LeastLoaded` looks at load alone; `Weighted` and `InTurn` look at nothing.
"""

from .balancer import Balancer
from .hot_cold import HotCold
from .in_turn import InTurn
from .least_loaded import LeastLoaded
from .peak_ewma import PeakEwma
from .power_of_two import PowerOfTwo
from .weighted import Weighted

__all__ = ["Balancer", "HotCold", "InTurn", "LeastLoaded", "PeakEwma", "PowerOfTwo", "Weighted"]
