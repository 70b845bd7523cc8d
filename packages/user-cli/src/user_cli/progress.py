"""How far a long piece of work has come, on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from user_cli.output import note

__all__ = ["counted", "progress", "toward"]

_SAY_EVERY_S: Final = 10.0


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give what shows how far it came: at once in a terminal, else in a line now and then."""
    if sys.stderr.isatty():
        with Console(stderr=True).status("begins") as status:
            yield status.update
        return
    due = time.monotonic() + _SAY_EVERY_S

    def show(line: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            note(line)
            due = time.monotonic() + _SAY_EVERY_S

    yield show


@contextmanager
def counted(what: str) -> Iterator[Callable[[int], None]]:
    """Give what shows how many are done, and how many a second: ``4000 keys, 812/s``."""
    begun = time.monotonic()
    with progress() as show:
        yield lambda done: show(f"{done} {what}, {done / max(time.monotonic() - begun, 0.001):.0f}/s")


@contextmanager
def toward(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows in a terminal how many are done of how many, how fast, and the time left; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _, __: None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of about {task.total:,.0f} " + what),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1, rate=0)

        def show(done: int, expected: int) -> None:
            rate = done / max(time.monotonic() - begun, 0.001)
            bar.update(task, completed=done, total=expected, rate=rate)

        yield show
