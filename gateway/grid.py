"""A table of one line a row, which a narrow screen makes smaller where that does least harm.

Figures are never cut: `410…` is another figure. Names and words give way, each to its own least width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
from rich.table import Table

if TYPE_CHECKING:
    from rich.text import Text

LEAST_WORDS = 8
"""Cells that a column of words keeps."""


@attrs.frozen(kw_only=True)
class Column:
    """One column. words: it holds text, to the left, that may be cut at *most* cells; else figures, to the right."""

    title: str
    words: bool = False
    most: int | None = None
    style: str = ""


def grid(columns: Sequence[Column], rows: Iterable[Sequence[Text]], *, gap: int, fill: bool = False) -> Table:
    """The table. gap: cells between two columns. fill: the last column takes what is left of the screen."""
    kept = [list(row) for row in rows]
    table = Table(box=None, padding=(0, gap, 0, 0), header_style="bold", expand=fill)
    for place, (column, widest) in enumerate(zip(columns, _widths(columns, kept), strict=True)):
        table.add_column(
            column.title,
            justify="left" if column.words else "right",
            style=column.style,
            no_wrap=True,
            overflow="ellipsis",
            min_width=min(widest, LEAST_WORDS) if column.words else widest,
            max_width=column.most,
            ratio=1 if fill and place == len(columns) - 1 else None,
        )
    for row in kept:
        table.add_row(*row)
    return table


def width_of(columns: Sequence[Column], rows: Iterable[Sequence[Text]], *, gap: int) -> int:
    """Cells that a line takes where nothing has to give way."""
    return sum(width + gap for width in _widths(columns, [list(row) for row in rows]))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> list[int]:
    return [max([len(column.title), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)]
