"""How the garbage collector goes about it in a process that serves.

Python looks for garbage whenever 700 more objects are there than when it looked last. Sixteen calls in flight are more
than that, so it would look through them at each turn of the loop, find nothing (a call leaves no cycles behind), and
now and then go through all that was ever imported, for as long as ten calls take. Here what was imported is left out,
and ten thousand objects are waited for: what a few hundred calls have in flight. A look takes half a millisecond then.

Measured by `benchmarks.gateway`: a tenth of what a call costs.
"""

from __future__ import annotations

import gc

MANY = 10_000


def collect_seldom() -> None:
    """Of the whole process, so for programs. Call it once, before anything is opened that ends before the process does.

    What is there now is never looked at again: it must hold no cycle that is to be garbage some day.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(MANY, *gc.get_threshold()[1:])
