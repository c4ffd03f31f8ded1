"""One figure as text: short, and as wide in one row as in the next."""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "-"


def seconds(value: float | None) -> str:
    """Three digits: ``32ms``, ``412ms``, ``1.24s``, ``12.3s``."""
    if value is None:
        return UNKNOWN
    if value < 0.9995:
        return f"{value * 1000:.0f}ms"
    return f"{value:.2f}s" if value < 9.995 else f"{value:.1f}s" if value < 99.95 else f"{value:.0f}s"


def share(value: float | None) -> str:
    """``100%``, ``99.7%``; never 100 where one is missing."""
    if value is None:
        return UNKNOWN
    return "100%" if value >= 1.0 else f"{min(value, 0.9999) * 100:.2f}%" if value >= 0.9995 else f"{value:.1%}"


def rate(value: float) -> str:
    """A second: ``0.3``, ``12``."""
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def passed(value_s: float) -> str:
    """How long ago, or for how long: ``7s``, ``12min``, ``3h``, ``2d``."""
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if value_s >= 2 * unit_s:
            return f"{value_s / unit_s:.0f}{unit}"
    return f"{max(0.0, value_s):.0f}s"


def reasons(counts: Mapping[str, int], most: int = 3) -> str:
    """The commonest first: ``12 rate_limited, 3 timeout``; those beyond *most* together."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{count:,} {reason}" for reason, count in ordered[:most]]
    rest = sum(count for _, count in ordered[most:])
    return ", ".join([*told, *([f"{rest:,} more"] if rest else [])])
