"""Write the table of fields in docs/segments.md from the catalogue; `--check` fails when it has drifted."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from usercore.segments.catalogue import CATALOGUE, FilterField, Kind
from usercore.users.conditions import Operator

PAGE = Path(__file__).resolve().parent.parent / "docs" / "segments.md"
BEGIN: Final = "<!-- fields: python tools/segments_table.py writes them -->\n"
END: Final = "<!-- end of fields -->\n"
HEAD: Final = "| field | what it is | compared with | by |\n|---|---|---|---|\n"
_WORDS: Final = {Kind.WORD: "a word", Kind.TEXT: "text", Kind.NUMBER: "a number", Kind.DATE: "a date"}
_KINDS: Final = {Kind.BOOLEAN: "`true`, `false`", Kind.TIME: "a time or a date", Kind.ANY: Kind.ANY.value}


def page(text: str) -> str:
    """Return the page as it should be.

    Args:
        text: as it is.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit("docs/segments.md has no place for the fields")
    return before + begin + HEAD + "".join(map(_row, CATALOGUE)) + end + after


def _row(field: FilterField) -> str:
    return f"| `{field.name}` | {field.about} | {_compared(field)} | {', '.join(_operators(field))} |\n"


def _compared(field: FilterField) -> str:
    if field.words:
        return ", ".join(f"`{word}`" for word in field.words)
    return (_WORDS | _KINDS)[field.kind]


def _operators(field: FilterField) -> Iterator[str]:
    return (f"`{operator.value}`" for operator in Operator if operator in field.operators)


def main(arguments: list[str]) -> None:
    """Write the table, or check it."""
    now = PAGE.read_text(encoding="utf-8")
    if "--check" not in arguments:
        PAGE.write_text(page(now), encoding="utf-8")
    elif page(now) != now:
        sys.exit("docs/segments.md has drifted: run python tools/segments_table.py")


if __name__ == "__main__":
    main(sys.argv[1:])
