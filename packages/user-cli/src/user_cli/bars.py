"""Numbers as bars, as wide as the terminal lets them be."""

import sys
from collections.abc import Iterable
from typing import Final

from attrs import frozen
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from user_cli.output import clean

__all__ = ["Line", "show_bars"]

_PIPED_WIDTH: Final = 80
_BAR_MAX: Final = 60
_BESIDES: Final = 44
"""Columns that the names and numbers of a line take at most."""
_NAME_MAX: Final = 24


@frozen
class Line:
    """One bar.

    Args:
        name: before it.
        number: its length.
        note: behind its number.
    """

    name: str
    number: int
    note: str = ""


def show_bars(title: str, lines: Iterable[Line], *, longest: int | None = None) -> None:
    """Write a title, and a bar for each line: colours and the width of the terminal where there is one.

    Args:
        title: over the bars.
        lines: from top to bottom.
        longest: the number of a bar that has the full length; the greatest of them if None.
    """
    shown = list(lines)
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False, width=None if terminal else _PIPED_WIDTH)
    width = max(min(console.width - _BESIDES, _BAR_MAX), 4)
    most = max(longest or max((line.number for line in shown), default=0), 1)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_NAME_MAX)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(width=width)
    for line in shown:
        bar = Bar(most, 0, min(line.number, most), width=width, color="cyan")
        table.add_row(Text(clean(line.name)), Text(f"{line.number:,}"), Text(clean(line.note)), bar)
    console.print(Text(clean(title), style="bold"))
    console.print(table)
    console.print()
