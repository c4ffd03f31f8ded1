"""Rules and page ask for what is exported: each metric, each label, each value."""

from __future__ import annotations

import re

import pytest

from paceline.router import CallOutcome, errors

from .exported import metrics
from .files import ALERTS, PAGE

OF_THE_SCRAPE = {"instance", "job", "le"}
"""Labels that are Prometheus' own."""


def queries() -> list[str]:
    """Every query of the page and of the rules."""
    of_page = [target["expr"] for panel in PAGE["panels"] for target in panel.get("targets", [])]
    of_rules = re.findall(r"expr: \|\n((?: {10,}.*\n)+)|expr: ([^|\n].*)\n", ALERTS)
    return [*of_page, *(" ".join((block or line).split()) for block, line in of_rules)]


def test_there_are_queries() -> None:
    assert len(queries()) > 35
    assert len(re.findall(r"- alert: ", ALERTS)) == len(re.findall(r"expr: ", ALERTS)) == 9


@pytest.mark.parametrize("query", queries())
def test_every_query_asks_for_what_is_exported(query: str) -> None:
    asked = set(re.findall(r"\b((?:paceline|gen_ai)_[a-z_]+|up)\b(?=[\[{ ]|$|\))", query))
    known = metrics()
    labels = {label for metric in asked & set(known) for label in known[metric]} | OF_THE_SCRAPE
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in re.split(r", *", group)}
    selected = set(re.findall(r"(?<=[{ ,])([a-z_]+)(?==~?\"|!=\")", query))

    assert asked - grouped
    assert asked - grouped <= set(known)
    assert grouped | selected <= labels
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize("query", [query for query in queries() if "outcome" in query])
def test_outcomes_are_those_there_are(query: str) -> None:
    assert set(re.findall(r'outcome!?="(\w+)"', query)) <= {outcome.value for outcome in CallOutcome}


def test_reasons_in_the_rules_are_those_of_errors() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PacelineError)
    ]
    reasons = {kind.reason for kind in kinds}
    (told,) = re.findall(r"reason=~\"([^\"]+)\"", ALERTS)

    assert set(told.split("|")) <= reasons


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PAGE["panels"]:
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in PAGE["panels"]}) == len(PAGE["panels"])
