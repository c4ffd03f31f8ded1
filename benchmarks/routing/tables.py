"""What is printed: a table that sums up, one for each scenario, and the figures as data."""

from __future__ import annotations

from collections.abc import Mapping

from .contestants import CONTROL, KNOWING, LIMIT, OURS
from .figures import Figure, Figures
from .verdicts import beyond_the_limit, by_share_within, by_ttft_p99, of_oracle, regret

ALL = (
    "| policy | TTFT p50, s | p95 | p99 | p99.9 | total p50, s | p95 | p99 | p99.9 "
    "| within | failed | retries | hedges | money | regret |"
)
SUMMARY = (
    "| scenario | within: ours | best other | limit | | TTFT p99, s: ours | best other | limit | "
    "| p95 of oracle's | hedges |"
)

NEAR = 1.15
"""Times the p95 of the oracle of distributions that ours is to keep within."""


def summary(results: Mapping[str, Mapping[str, Figures]]) -> str:
    """One line a scenario: ours, the best of the others in that scenario, and what there was to be had."""
    lines = [SUMMARY, _rule(SUMMARY)]
    for scenario, of in results.items():
        within, p99, limit = by_share_within(of), by_ttft_p99(of), of[LIMIT]
        cells = [
            scenario,
            f"{within.ours:.1%}",
            f"{within.theirs:.1%}, {within.rival}",
            f"{limit.within.value:.1%}",
            within.words,
            f"{p99.ours:.2f}",
            f"{p99.theirs:.2f}, {p99.rival}",
            f"{limit.ttft_s[0.99].value:.2f}",
            p99.words,
            _spread(of_oracle(of), "{:.2f}"),
            f"{of[OURS].hedges.value:.1%}",
        ]
        lines.append(_row(cells))
    return "\n".join(lines)


def detail(of: Mapping[str, Figures]) -> str:
    """Everybody in one scenario. Intervals are those of 95 % over seeds."""
    lines = [ALL, _rule(ALL)]
    control, oracle = of[CONTROL].ttft_s[0.95].value, of[KNOWING].ttft_s[0.95].value
    for name, figures in of.items():
        left = regret(figures.ttft_s[0.95].value, control, oracle)
        cells = [
            f"**{name}**" if name == OURS else name,
            *(_spread(figure, "{:.2f}") for figure in figures.ttft_s.values()),
            *(_spread(figure, "{:.1f}") for figure in figures.total_s.values()),
            _spread(figures.within, "{:.1%}"),
            _spread(figures.errors, "{:.2%}"),
            f"{figures.retries.value:.1%}",
            f"{figures.hedges.value:.1%}",
            f"{figures.money.value:.2f}",
            "-" if left is None else f"{left:.2f}",
        ]
        lines.append(_row(cells))
    return "\n".join(lines)


def verdict(results: Mapping[str, Mapping[str, Figures]]) -> str:
    """The aims, and whether they are met."""
    shares = [by_share_within(of).words for of in results.values()]
    tails = [by_ttft_p99(of).words for of in results.values()]
    near = [of_oracle(of).value for of in results.values()]
    hedges = [of[OURS].hedges.value for of in results.values()]
    beyond = [f"{scenario}: {told}" for scenario, of in results.items() for told in beyond_the_limit(of)]
    sentences = (
        f"Share within the objective: best in {shares.count('best')} of {len(shares)} scenarios,",
        f"even with the best other in {shares.count('even')}, behind in {shares.count('behind')}.",
        f"TTFT p99: best in {tails.count('best')}, even in {tails.count('even')}, behind in {tails.count('behind')}.",
        f"TTFT p95 at most {NEAR:g} times the oracle's of distributions: in {sum(each <= NEAR for each in near)};",
        f"the worst is {max(near):.2f}. Hedges: {max(hedges):.1%} of the calls at most.",
        f"Past the limit: {'; '.join(beyond)}." if beyond else "Nobody passes the limit.",
    )
    return "\n".join(sentences)


def as_data(of: Mapping[str, Figures]) -> dict[str, object]:
    """The figures of one scenario, for JSON: each as value, low, high."""
    return {
        name: {
            "calls": figures.calls,
            "ttft_s": {f"p{100 * q:g}": _triple(figure) for q, figure in figures.ttft_s.items()},
            "total_s": {f"p{100 * q:g}": _triple(figure) for q, figure in figures.total_s.items()},
            "within": _triple(figures.within),
            "failed": _triple(figures.errors),
            "retries": _triple(figures.retries),
            "hedges": _triple(figures.hedges),
            "money": _triple(figures.money),
        }
        for name, figures in of.items()
    }


def _triple(figure: Figure) -> list[float]:
    return [round(value, 5) for value in (figure.value, figure.low, figure.high)]


def _spread(figure: Figure, form: str) -> str:
    return f"{form} ({form}–{form})".format(figure.value, figure.low, figure.high)  # noqa: RUF001


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(head: str) -> str:
    return "|" + "---|" * (head.count("|") - 1)
