"""What userctl writes: tables for people, JSON for programs.

Nothing that is shown can steer a terminal: control characters and those that turn the direction of text are taken out
of tables and written as escapes in JSON.
"""

import json
import re
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = [
    "clean",
    "note",
    "say",
    "show_json",
    "show_json_items",
    "show_json_page",
    "show_pairs",
    "show_table",
    "to_json",
]

_PIPED_WIDTH: Final = 1_000
"""Wide enough that a row of a table stays on one line where nobody's terminal limits it."""

# C0, DEL, C1 and line separators; then the marks, embeddings and isolates of the bidirectional algorithm.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _PipeAwareConsole(Console):
    def on_broken_pipe(self) -> None:
        """Let the caller hear of it, instead of ending the process here."""
        raise  # noqa: PLE0704 - rich calls this inside its `except BrokenPipeError`


def _console() -> Console:
    terminal = sys.stdout.isatty()
    width = None if terminal else _PIPED_WIDTH
    return _PipeAwareConsole(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)


def clean(value: object) -> str:
    """Return a value's text without what could steer a terminal; a line break becomes a blank."""
    return _STEERING.sub(lambda found: " " if found[0] in "\n\t" else "", str(value))


def say(line: str) -> None:
    """Write one line of our own words, never wrapped."""
    _console().print(Text(clean(line)), soft_wrap=True)


def note(line: str) -> None:
    """Write one line of our own words on standard error, where it is in nobody's way."""
    print(clean(line), file=sys.stderr)  # noqa: T201 - this is what terminals are for


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Write rows under headings; where there are none, the line `empty`."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    if table.row_count:
        _console().print(table)
    else:
        say(empty)


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Write names and values, a line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(clean(name)), Text(clean(value)))
    _console().print(table)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON that no terminal takes for a command."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    # In JSON these characters can stand inside strings only, except for the line breaks of the indentation.
    return _STEERING.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def show_json(value: object) -> None:
    """Write one JSON document: on one line for programs, indented in a terminal."""
    text = to_json(value, indent=2 if sys.stdout.isatty() else None)
    print(text, flush=True)  # noqa: T201 - this is what was asked for, and a program at the pipe waits for it


def show_json_page(items: Iterable[object], next_cursor: str | None) -> None:
    """Write a page of a list as one JSON document."""
    show_json({"items": list(items), "nextCursor": next_cursor})


async def show_json_items(items: AsyncIterator[object], **members: object) -> None:
    """Write a whole list as one JSON document, item after item, without holding it in memory.

    Args:
        items: the list.
        members: what else the document has, behind them.
    """
    lead = '{"items":[\n'
    async for item in items:
        print(lead, to_json(item), sep="", end="")  # noqa: T201 - this is what was asked for
        lead = ",\n"
    rest = "".join(f',"{name}":{to_json(value)}' for name, value in members.items())
    print("" if lead.startswith(",") else lead.rstrip(), f'],"nextCursor":null{rest}}}', sep="\n")  # noqa: T201 - the same
