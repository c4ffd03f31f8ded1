"""The targets of one router, and which of them serve what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError, DuplicateEndpoint, ResidencyUnmet, UnknownModel, UnknownRoute
from .health.outliers import Outliers
from .operation import EMBEDDING
from .remembered import Pulse
from .route import Route
from .statistics.learned import METRICS
from .statistics.lengths import Lengths
from .statistics.window import merged
from .target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .clock import Clock
    from .endpoint import Endpoint
    from .request import Request
    from .statistics.fold import Fold
    from .statistics.window import WindowShape


class Fleet:
    """Targets by name, and routes with the candidates that serve them. Fixed when built.

    Raises:
        DuplicateEndpoint, ConfigurationError: the endpoints and routes do not fit together.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], routes: Sequence[Route], clock: Clock, shape: WindowShape
    ) -> None:
        if not endpoints:
            raise ConfigurationError("a router needs at least one endpoint")
        pulse = Pulse()
        self._targets: dict[str, Target] = {}
        outliers = Outliers(self._targets.values())  # a live view: it sees those that are added below
        for endpoint in endpoints:
            if endpoint.name in self._targets:
                raise DuplicateEndpoint(f"two endpoints are named {endpoint.name!r}: give each a name of its own")
            self._targets[endpoint.name] = Target(endpoint, clock, shape, pulse, outliers)
        self._models = dict.fromkeys(target.model for target in self)
        self._routes: dict[str, Route] = {}
        for route in routes:
            self._add(route)
        self._named = tuple(self._routes)
        for model in self._models:
            if model not in self._routes:
                self._add(Route(name=model, models=model))
        self.lengths = {name: Lengths(shape) for name in self._routes}
        """How long the answers of each route have been."""
        self._candidates = {route.name: self._serving(route.models) for route in self._routes.values()}

    def _add(self, route: Route) -> None:
        if route.name in self._routes:
            raise ConfigurationError(f"two routes are named {route.name!r}: give each a name of its own")
        for model in route.models:
            if model not in self._models:
                raise ConfigurationError(
                    f"Route {route.name!r}: no endpoint serves the model {model!r}; there are {_told(self._models)}"
                )
        if route.residency is not None:
            regions = {target.region for target in self._serving(route.models)}
            if not regions & route.residency:
                raise ConfigurationError(
                    f"Route {route.name!r}: none of its endpoints lies in its residency "
                    f"{_told(sorted(route.residency))}; they are in {_told(sorted(regions))}"
                )
        self._routes[route.name] = route

    def _serving(self, models: Iterable[str]) -> tuple[Target, ...]:
        return tuple(target for model in models for target in self if target.model == model)

    def admit(self, request: Request) -> tuple[Route, tuple[Target, ...]]:
        """The route a request belongs to, and every target that serves it, in the route's order of models.

        Raises:
            UnknownRoute, UnknownModel: the message lists what there is.
        """
        if request.route is None and request.model is not None:
            route = self._routes.get(request.model)
            if route is None:
                raise UnknownModel(f"no endpoint serves {request.model!r}; there are {_told(self._models)}")
            return route, self._candidates[route.name]
        if request.route is None:
            if len(self._named) != 1:
                raise UnknownRoute(f"name a route or a model; there are the routes {_told(self._named)}")
            route = self._routes[self._named[0]]
        elif request.route in self._named:
            route = self._routes[request.route]
        else:
            raise UnknownRoute(f"no route is named {request.route!r}; there are {_told(self._named)}")
        candidates = self._candidates[route.name]
        if request.model is None:
            return route, candidates
        narrowed = tuple(target for target in candidates if target.model == request.model)
        if not narrowed:
            raise UnknownModel(f"route {route.name!r} has no model {request.model!r}; it has {_told(route.models)}")
        return route, narrowed

    def distribution(
        self,
        metric: str,
        now_s: float,
        *,
        model: str | None = None,
        region: str | None = None,
        size: int | None = None,
    ) -> Fold:
        """The latencies of several endpoints as one, by adding up their histograms: of a model, a region, or both.

        metric: as in `statistics.interval.Series`. model, region: None stands for all of them.
        size: class of prompt sizes, of ``ttft``; None: all.

        Raises:
            ConfigurationError: there is no such metric, or no such endpoint.
        """
        scale = METRICS.get(metric)
        if scale is None:
            raise ConfigurationError(f"no metric is named {metric!r}; there are {_told(METRICS)}")
        targets = [target for target in self if model in {None, target.model} and region in {None, target.region}]
        if not targets:
            raise ConfigurationError(f"no endpoint of model {model!r} lies in region {region!r}")
        windows = (
            window
            for target in targets
            for series, window in target.learned.series()
            if series.metric == metric and size in {None, series.size}
        )
        return merged(windows, now_s, scale)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes that were configured, in order."""
        return tuple(self._routes[name] for name in self._named)

    @property
    def every_route(self) -> tuple[Route, ...]:
        """The configured ones, and one for each model that may be asked for by its own name."""
        return tuple(self._routes.values())

    def serving(self, route: Route) -> tuple[Target, ...]:
        """The targets that serve a route of this fleet, in its order of models."""
        return self._candidates[route.name]

    def __getitem__(self, name: str) -> Target:
        return self._targets[name]

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets.values())

    def __len__(self) -> int:
        return len(self._targets)


def allowed_regions(request: Request, route: Route) -> frozenset[str] | None:
    """The regions that a request and its route both allow; None: all.

    Raises:
        ResidencyUnmet: they allow none in common.
    """
    if request.residency is None or route.residency is None:
        return request.residency or route.residency
    both = request.residency & route.residency
    if not both:
        raise ResidencyUnmet(
            f"the request allows {', '.join(sorted(request.residency))} and route {route.name!r} allows "
            f"{', '.join(sorted(route.residency))}: no region is in both"
        )
    return both


def allowed_tokens(request: Request, route: Route) -> int | None:
    """The cap of the answer: the request's or the route's, whichever is less; None: neither has one."""
    asked, allowed = request.max_tokens, route.max_tokens
    if asked is None or allowed is None:
        return None if request.operation is EMBEDDING else asked or allowed
    return min(asked, allowed)


def _told(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
