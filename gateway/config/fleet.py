"""Do the tables of a file fit each other? Asked of what is written, so that one bad endpoint does not hide the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...router.plugins.likely import did_you_mean
from .mistake import Place
from .reader import Reader
from .shapes import as_list, as_table

ENDPOINT, ROUTE = "endpoint", "route"


def check_names(document: Mapping[str, object], reader: Reader) -> None:
    """Note names that stand twice, models that nobody serves, and routes whose regions have no endpoint."""
    for kind in (ENDPOINT, ROUTE):
        seen: set[str] = set()
        for table, at in tables(document, kind):
            name = table.get("name")
            if isinstance(name, str) and name in seen:
                reader.wrong(at.at("name"), f"another {kind} is named {name!r}: give each a name of its own")
            elif isinstance(name, str):
                seen.add(name)
    for route, at in tables(document, ROUTE):
        _check_route(route, at, document, reader)


def tables(document: Mapping[str, object], kind: str) -> Iterator[tuple[Mapping[str, object], Place]]:
    """Every table of a kind, and where it is."""
    for number, given in enumerate(as_list(document.get(kind)) or ()):
        table = as_table(given)
        if table is not None:
            yield table, Place().at(kind).at(number, table.get("name"))


def _check_route(route: Mapping[str, object], at: Place, document: Mapping[str, object], reader: Reader) -> None:
    serving = [(endpoint.get("model"), endpoint.get("region", "global")) for endpoint, _ in tables(document, ENDPOINT)]
    known = sorted({model for model, _ in serving if isinstance(model, str)})
    wanted = _names(route.get("models"))
    for model in wanted:
        if model not in known:
            hint = did_you_mean(model, known) or f"; there are {', '.join(known) or 'none'}"
            reader.wrong(at.at("models"), f"no endpoint serves the model {model!r}{hint}")
    residency = set(_names(route.get("residency")))
    regions = sorted({region for model, region in serving if model in wanted and isinstance(region, str)})
    if residency and regions and not residency & set(regions):
        reader.wrong(
            at.at("residency"),
            f"none of its endpoints lies in {', '.join(sorted(residency))}; they are in {', '.join(regions)}",
        )


def _names(given: object) -> list[str]:
    several = as_list(given)
    return [name for name in ([given] if several is None else several) if isinstance(name, str)]
