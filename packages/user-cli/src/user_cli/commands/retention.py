"""`userctl retention`: how long things are kept, and what is due to go."""

from collections.abc import Sequence
from typing import Annotated, Final

from cyclopts import Parameter

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import UsageError
from user_cli.output import say, show_json, show_table
from user_cli.progress import progress
from user_cli.session import open_session
from usercore.codec.scalars import optional_timestamp
from usercore.privacy.retention.values import Kept, ReportLine, Step

app = command_group("retention", "How long things are kept, and what is due to go.")

_ABOUT: Final = {
    Kept.SETTLED_DEAD_LETTERS: "dead letters, after they were settled",
    Kept.WAITING_DEAD_LETTERS: "dead letters that wait",
    Kept.ACTIVITY: "orders, payments and points",
    Kept.CLOSED_REQUESTS: "privacy requests, after their answer",
    Step.NOTICE: "unused accounts: notice",
    Step.DEACTIVATION: "unused accounts: deactivation, after the notice",
    Step.ERASURE: "unused accounts: erasure, after the deactivation",
}
_NOTHING: Final = "The schedule keeps everything: see USER_SERVICE_RETENTION_* in `userctl config check`."


@app.command
async def schedule(*, as_json: AsJson = False) -> None:
    """Show what the schedule says, and what it would do now.

    Events, deliveries, verifications, receipts and archives go by themselves, by settings of their own.

    ```
    userctl retention schedule
    ```

    Args:
        as_json: write {"rules": [...]}.
    """
    async with open_session() as session:
        _show(await session.core.review_retention(), as_json=as_json)


@app.command
async def run(
    *,
    reason: Annotated[str | None, Parameter(help="Why; needed unless it is a dry run.")] = None,
    dry_run: bool = False,
    as_json: AsJson = False,
) -> None:
    """Do what the schedule says; with --dry-run only say what would be done.

    What a legal hold keeps, and accounts that are restricted, are left alone and counted. Running it twice is
    harmless; what Ctrl-C leaves undone, the next run does.

    ```
    userctl retention run --dry-run
    userctl retention run --reason "monthly clean-up"
    ```

    Args:
        reason: why.
        dry_run: do nothing.
        as_json: write {"rules": [...]}.
    """
    if reason is None and not dry_run:
        raise UsageError("--reason: say why, or ask for a --dry-run")
    async with open_session() as session:
        if reason is None or dry_run:
            lines = await session.core.review_retention()
        else:
            with progress() as show:
                lines = await session.core.run_retention(
                    reason, session.context, lambda rule, done: show(f"{_ABOUT[rule]}: {done}")
                )
    _show(lines, as_json=as_json)


def _show(lines: Sequence[ReportLine], *, as_json: bool) -> None:
    if as_json:
        show_json({"rules": [_document(line) for line in lines]})
        return
    if not lines:
        say(_NOTHING)
        return
    rows = [
        (
            _ABOUT[line.rule],
            f"{line.kept_for.days} days",
            line.due.count,
            optional_timestamp(line.due.oldest) or "-",
            line.due.held,
            line.done,
        )
        for line in lines
    ]
    show_table(("WHAT", "AFTER", "DUE", "OLDEST", "HELD BACK", "DONE"), rows, empty=_NOTHING)


def _document(line: ReportLine) -> dict[str, object]:
    return {
        "rule": line.rule.value,
        "keptForDays": line.kept_for.days,
        "due": line.due.count,
        "oldest": optional_timestamp(line.due.oldest),
        "heldBack": line.due.held,
        "done": line.done,
    }
