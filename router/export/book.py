"""Series by metric and labels, and never more than so many.

The cap is a guard, not a setting to live with: labels come from the configuration, so only one that is very large, or
a mistake, reaches it. What comes after it is counted under ``other``, so that sums stay right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..errors import ConfigurationError
from .labels import OTHER
from .names import SERVER_PORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .labels import Labels
    from .names import Metric

MOST_SERIES = 1000
"""Of one metric. OpenTelemetry's own cap is 2,000."""


class Series(Protocol):
    """Numbers of one metric under one set of labels."""

    def add(self, value: float, /) -> None:
        """Count one value. Called within a call: quick, and never raises."""
        ...


S_co = TypeVar("S_co", bound=Series, covariant=True)


class Book(Generic[S_co]):
    """Every series of an exporter, made when first needed.

    make: makes the series of a metric and labels. most_series: of each metric, at least 1, and ``other`` besides.

    Raises:
        ConfigurationError: *most_series* is no such number.
    """

    def __init__(self, make: Callable[[Metric, Labels], S_co], most_series: int = MOST_SERIES) -> None:
        given: object = most_series  # whatever the types promise
        if not isinstance(given, int) or given < 1:
            raise ConfigurationError(f"most_series must be a whole number of at least 1, not {most_series!r}")
        self._make = make
        self._most = most_series
        self._pages: dict[Metric, dict[Labels, S_co]] = {}

    def series(self, metric: Metric, labels: Labels) -> S_co:
        """The series of *metric* under *labels*, or the one for all others once there are too many."""
        page = self._pages.setdefault(metric, {})
        if labels not in page and len(page) >= self._most:
            labels = tuple(None if label == SERVER_PORT else OTHER for label in metric.labels)
        series = page.get(labels)
        if series is None:
            series = page[labels] = self._make(metric, labels)
        return series

    def page(self, metric: Metric) -> list[tuple[Labels, S_co]]:
        """Every series of one metric, copied in one step: another thread may be asking."""
        return list(self._pages.get(metric, {}).items())
