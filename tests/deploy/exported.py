"""Every series that a gateway exports, with its labels."""

from __future__ import annotations

from functools import cache

from paceline.gateway.serve.tally import Tally
from paceline.router.export import names

PIECES = ("", "_bucket", "_sum", "_count")
"""What Prometheus makes of a histogram."""


@cache
def metrics() -> dict[str, frozenset[str]]:
    """Every series that is exported, with its labels."""
    found: dict[str, frozenset[str]] = {"up": frozenset()}
    for metric in names.METRICS:
        labels = frozenset(map(names.label_in_prometheus, metric.labels))
        for piece in PIECES if metric.kind is names.Kind.HISTOGRAM else ("",):
            found[metric.prometheus + piece] = labels
    tally = Tally()
    tally.ended("/v1/chat/completions", "answered", 200, 0.001)
    for family in tally.collect():
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | frozenset(sample.labels)
    return found
