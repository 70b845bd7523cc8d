"""The reference of `userctl`, from the command line itself."""

from io import StringIO
from typing import Final

from rich.console import Console

from user_cli.app import build_app

_HEAD: Final = """\
# The command line

Every command of `userctl`, as `--help` tells it.

"""


def command_line_page() -> str:
    """Return the page."""
    quiet = Console(file=StringIO())
    told = build_app(quiet, quiet).generate_docs(output_format="markdown")
    _, _, commands = told.partition("\n## Table of Contents\n")
    return _HEAD + told.partition("\n\n")[2] if not commands else _HEAD + _without_contents(commands)


def _without_contents(told: str) -> str:
    """Return what follows the table of contents: the site makes its own."""
    lines = told.splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("## "))
    return "".join(lines[first:])
