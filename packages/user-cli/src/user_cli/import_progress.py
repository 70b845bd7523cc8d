"""How far an import has come, in a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from usercore.bulk.imports.values import Progress as Reached

__all__ = ["import_progress"]


@contextmanager
def import_progress(size: int | None, begun: Reached) -> Iterator[Callable[[Reached], None]]:
    """Give what shows how far it came: a bar with rate and time left in a terminal, nothing where nobody looks.

    Args:
        size: how far it can come; None where nobody knows, so that there is no bar.
        begun: how far it had come before.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("[bold]import"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[failed]:,} with errors, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    since = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        rows, failed = begun.tally.rows, begun.tally.failed
        task = bar.add_task("import", total=size, completed=begun.end, rows=rows, failed=failed, rate=0.0)

        def show(reached: Reached) -> None:
            rows = reached.tally.rows
            rate = (rows - begun.tally.rows) / max(time.monotonic() - since, 0.001)
            bar.update(task, completed=reached.end, rows=rows, failed=reached.tally.failed, rate=rate)

        yield show
