"""What a check found, as a person reads it; fits eighty columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..printable import printable
from ..report.table import latency

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from .findings import EndpointFound, Findings, Live, Path, PolicyFound, RouteFound, Share

MOST_SHARES = 4
"""Endpoints whose share is told; the rest are together."""

MOST_NEVER = 6
"""Endpoints out of reach that are told by name; the JSON has all."""

INDENT = (0, 0, 0, 2)


def show(found: Findings, console: Console) -> None:
    """Print everything."""
    if found.mistakes:
        _mistakes(found, console)
        return
    console.print(Text.assemble((printable(found.source), "bold"), " can be used."), soft_wrap=True)
    console.print(Text(f"It listens at {found.listens}."))
    _section("Stack, from the caller inwards", _stack(found.stack), console)
    _section("Endpoints", _endpoints(found.endpoints), console)
    for route in found.routes:
        console.print()
        for line in _route(route):
            console.print(line)
    if not found.routes:
        console.print("\nNo routes: each model is asked for by its own name.")
    if found.live is not None:
        _section("One small call to each endpoint", _live(found.live), console)


def _mistakes(found: Findings, console: Console) -> None:
    many = len(found.mistakes)
    head = Text.assemble((printable(found.source), "bold"), " cannot be used: ")
    head.append("a mistake." if many == 1 else f"{many} mistakes.", "bold red")
    console.print(head, soft_wrap=True)
    for mistake in found.mistakes:
        where = "" if mistake.line is None else f"line {mistake.line}"
        console.print()
        console.print(Text.assemble((where or "the file", "dim"), "  ", (mistake.place, "bold")), soft_wrap=True)
        console.print(Padding(Text(mistake.wrong), INDENT, expand=False))


def _section(title: str, content: RenderableType, console: Console) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Padding(content, INDENT, expand=False))


def _plain(*columns: str) -> Table:
    """A table without lines. A column of figures begins with a tab."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="dim",
        show_header=any(name.strip() for name in columns),
    )
    for name in columns:
        table.add_column(name.strip("\t"), justify="right" if name.startswith("\t") else "left", overflow="fold")
    return table


def _stack(stack: Sequence[PolicyFound]) -> Table:
    table = _plain("", "")
    for policy in stack:
        options = Text(policy.options) if policy.options else Text("as by default", style="dim")
        table.add_row(policy.name, options)
    if not stack:
        table.add_row("empty", Text("every call goes to its first candidate", style="dim"))
    return table


def _endpoints(endpoints: Sequence[EndpointFound]) -> Table:
    table = _plain("name", "model", "provider", "region", "\tslots")
    for each in endpoints:
        table.add_row(*map(Text, (each.name, each.model, each.provider, each.region, each.slots)))
    return table


def _route(route: RouteFound) -> list[RenderableType]:
    lines: list[RenderableType] = [Text.assemble(("Route ", "bold"), (route.name, "bold cyan"))]
    lines += [Padding(Text(f"{' > '.join(route.models)}; {route.promises}"), INDENT, expand=False)]
    if route.residency is not None:
        lines.append(Padding(_residency(route), INDENT, expand=False))
    if route.unrehearsed is not None:
        lines.append(Padding(Text(f"cannot be rehearsed: {route.unrehearsed}", style="yellow"), INDENT, expand=False))
        return lines
    lines.append(Padding(Text.assemble(("all is well: ", "dim"), _shares(route.shares)), INDENT, expand=False))
    for path in route.paths:
        lines.append(Padding(Text.assemble((f"{path.situation}: ", "dim"), _end(path)), INDENT, expand=False))
        lines.append(Padding(_steps(path), (0, 0, 0, 4), expand=False))
    return lines


def _residency(route: RouteFound) -> Text:
    regions, kept_by = ", ".join(route.residency or ()), " and ".join((*route.kept_by, "dispatch"))
    never = f"; never {_some(route.never)}" if route.never else ""
    told = Text(f"stays in {regions}, kept there by {kept_by}{never}: ")
    if route.kept:
        told.append("proven", "green")
    else:
        told.append("NOT KEPT in rehearsal", "bold red")
    return told


def _shares(shares: Sequence[Share]) -> Text:
    if not shares:
        return Text("nobody answered", style="red")
    told = [f"{each.endpoint} {_percent(each.share)}" for each in shares[:MOST_SHARES]]
    rest = shares[MOST_SHARES:]
    if rest:
        told.append(f"{len(rest)} others {_percent(sum(each.share for each in rest))}")
    return Text(", ".join(told))


def _some(names: Sequence[str]) -> str:
    """The first of many, and how many more there are."""
    rest = len(names) - MOST_NEVER
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:MOST_NEVER])} and {rest} others"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "below 1%"


def _end(path: Path) -> Text:
    many = len(path.steps)
    return Text(f"{path.ends} after {latency(path.after_s)}, {many} attempt{'' if many == 1 else 's'}")


def _steps(path: Path) -> Table:
    table = _plain("\t", "", "", "", "")
    for step in path.steps:
        table.add_row(
            Text(f"{step.at_s:.2f}s", style="dim"), *map(Text, (step.endpoint, step.model, step.region, step.why))
        )
    return table


def _live(live: Sequence[Live]) -> Table:
    table = _plain("endpoint", "", "\tfirst token", "\ttotal", "\ttokens")
    for each in live:
        if each.ok:
            ttft = "-" if each.ttft_s is None else latency(each.ttft_s)
            tokens = "-" if each.tokens is None else str(each.tokens)
            table.add_row(Text(each.endpoint), Text("ok", style="green"), ttft, latency(each.total_s), tokens)
        else:
            why = Text.assemble((f"{each.reason}: ", "red"), printable(each.error or ""))
            table.add_row(Text(each.endpoint), why, "-", latency(each.total_s), "-")
    return table
