"""`userctl export`: many users at one moment, into a file or a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from attrs import evolve, frozen
from cyclopts import Parameter

from user_cli.archive_file import FileSink, private_archive
from user_cli.commands.listing import Filters, Paging, filter_of, query_of
from user_cli.commands.options import AsJson, Source, WithDefault, stated_reason
from user_cli.failures import UsageError
from user_cli.inputs import STDIN
from user_cli.output import note, say, show_json, to_json
from user_cli.parquet_file import ParquetSink, parquet_sink
from user_cli.progress import toward
from user_cli.session import open_session
from user_cli.signals import end_by_signals
from usercore.bulk.exports.export_users import ExportUsersCommand
from usercore.bulk.exports.values import ExportFormat, ExportSummary, Restricted
from usercore.users.queries import UserQuery
from usercore.wiring.core import Core

__all__ = ["export"]


class FileFormat(StrEnum):
    """What a file of users may be."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


_BY_SUFFIX: Final = {
    ".ndjson": FileFormat.NDJSON,
    ".jsonl": FileFormat.NDJSON,
    ".csv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
}


@Parameter(name="*")
@frozen
class Manner:
    """How they are written down.

    Args:
        fields: names joined by commas: id, email, address.city, address, emailPreferences, activity. The whole
            profile if left out.
        file_format: ndjson, csv or parquet; if left out, what the file's name says, else ndjson.
        raw: leave cells of CSV as they are that a spreadsheet would run; else an apostrophe stands before them.
        restricted: users whose data may be kept and not otherwise processed: exclude, include or only.
        in_order: by id, so that two exports of the same users are the same bytes; it takes longer.
    """

    fields: str | None = None
    file_format: Annotated[FileFormat | None, Parameter(name="--format", show_choices=False)] = None
    raw: bool = False
    restricted: Annotated[WithDefault[Restricted], Parameter(show_choices=False)] = Restricted.EXCLUDE
    in_order: bool = False


async def export(
    target: Source[str] = STDIN,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, in at most 500 characters; it is kept in the audit trail.")],
    filters: Filters = Filters(),  # noqa: B008 - frozen
    manner: Manner = Manner(),
    as_json: AsJson = False,
) -> None:
    """Write users as they stand at one moment: into a file that its owner alone may read, or to standard output.

    What others write meanwhile does not show. The file appears when it is whole: one that is there is replaced then,
    and an export that is killed leaves none. Whoever is erased is never in it, merged users only where their status is
    named, and users whose data is restricted only where --restricted says so. The audit trail keeps who exported, why,
    what and how many.

    ```
    userctl export users.ndjson --reason "monthly copy for the warehouse"
    userctl export users.csv --fields email,firstName,address.country --status ACTIVE --reason "ticket 9"
    userctl export - --filter "loyalty.tier = GOLD" --reason "spring mailing" | zstd > gold.ndjson.zst
    ```

    Args:
        target: the file to write, or - for standard output.
        reason: why.
        filters: whom; the same as of a list.
        manner: how they are written down.
        as_json: write what came of it as {"users": ..., "seconds": ..., "fields": [...], ...}: on standard output, or
            on standard error where users are on the other.
    """
    why = stated_reason(reason)
    form = manner.file_format or _BY_SUFFIX.get(Path(target).suffix.lower(), FileFormat.NDJSON)
    if target == STDIN and sys.stdout.isatty():
        raise UsageError("users do not go to a terminal: name a file, or let a program read them")
    end_by_signals()
    begun = time.monotonic()
    async with open_session() as session:
        command = _command(await _query(session.core, filters), why, form, manner)
        with _sink(target, form) as sink, toward("users") as show:
            summary = await session.core.export_users(
                command, session.context, sink, lambda progress: show(progress.users, progress.expected)
            )
    _tell(summary, form, target, time.monotonic() - begun, as_json=as_json)


async def _query(core: Core, filters: Filters) -> UserQuery:
    """Return whom options ask for; what becomes of restricted users is said by an option of its own."""
    found = await filter_of(core, filters)
    query = query_of(filters, Paging(), core.ports.emails, found)
    return query if found is None else evolve(query, condition=found.condition)


def _command(query: UserQuery, reason: str, form: FileFormat, manner: Manner) -> ExportUsersCommand:
    named = [] if manner.fields is None else [name.strip() for name in manner.fields.split(",")]
    columnar = form is FileFormat.PARQUET
    return ExportUsersCommand(
        query,
        reason,
        named,
        # A Parquet file is made of what CSV tells, with nothing put before what is in the cells.
        ExportFormat.CSV if columnar else ExportFormat(form.value),
        manner.restricted,
        formulas=manner.raw or columnar,
        in_order=manner.in_order,
    )


@frozen
class _StandardOutput:
    """Writes an export to standard output as it comes."""

    async def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)


@contextmanager
def _sink(target: str, form: FileFormat) -> Iterator[FileSink | ParquetSink | _StandardOutput]:
    if target == STDIN:
        if form is FileFormat.PARQUET:
            with parquet_sink(sys.stdout.buffer) as columns:
                yield columns
        else:
            yield _StandardOutput()
        sys.stdout.buffer.flush()
        return
    with private_archive(Path(target)) as whole:
        if form is FileFormat.PARQUET:
            with parquet_sink(whole.file) as columns:
                yield columns
        else:
            yield whole


def _tell(summary: ExportSummary, form: FileFormat, target: str, seconds: float, *, as_json: bool) -> None:
    rate = summary.users / max(seconds, 0.001)
    if as_json:
        document = {
            "users": summary.users,
            "format": form.value,
            "fields": list(summary.fields),
            "filters": list(summary.filters),
            "seconds": round(seconds, 3),
            "usersPerSecond": round(rate),
        }
        if target == STDIN:
            note(to_json(document))
        else:
            show_json(document)
    elif target == STDIN:
        note(f"{summary.users} users, {rate:.0f}/s.")
    else:
        say(f"{summary.users} users written to {target}, {rate:.0f}/s.")
