"""`userctl import`: users from a file."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Final

from attrs import evolve
from cyclopts import Parameter

from user_cli.commands.options import AsJson, Source, WithDefault
from user_cli.failures import NotAllDoneError, UsageError
from user_cli.import_errors import ErrorFile, error_file
from user_cli.import_progress import import_progress
from user_cli.import_source import ImportSource
from user_cli.output import note, say, show_json
from user_cli.session import Session, open_session
from user_cli.signals import Asked, let_batches_end
from usercore.bulk.imports.ports import Settled
from usercore.bulk.imports.rehearsing import RehearseBatch, taken_names
from usercore.bulk.imports.start_import import StartImportCommand
from usercore.bulk.imports.values import (
    BATCH_MAX_ROWS,
    Import,
    ImportId,
    ImportKey,
    ImportMode,
    ImportOptions,
    ImportState,
    Progress,
    RowError,
    Tally,
    correlation_of,
)
from usercore.codec.imports import import_object, tally_object

__all__ = ["import_users"]

_BATCH_ROWS: Final = 2_000
_COLLECT_AFTER: Final = 200_000
"""Objects. Three batches on their way are fewer."""
_REHEARSAL: Final = ImportId("00000000-0000-0000-0000-000000000000")

BatchRows = Annotated[int, Parameter(name="--batch-rows")]


async def import_users(  # noqa: PLR0913 - what an import can be asked for
    source: Source[str],
    /,
    *,
    format: Annotated[str | None, Parameter(name="--format")] = None,  # noqa: A002 - the option's name
    mode: WithDefault[ImportMode] = ImportMode.INSERT,
    by: WithDefault[ImportKey] = ImportKey.EMAIL,
    errors: Path | None = None,
    dry_run: bool = False,
    quiet_events: bool = False,
    invite: bool = False,
    restart: bool = False,
    resume: str | None = None,
    batch_rows: WithDefault[BatchRows] = _BATCH_ROWS,
    as_json: AsJson = False,
) -> None:
    """Create and change users from a file of NDJSON, CSV or Parquet, or from standard input.

    Each row is judged by the rules for single users. What is wrong with one is told of that one, by its line and a
    code; the others are imported. What was imported when the command is interrupted, or killed, stays: the same command
    again goes on behind it, no row twice and none lost. Nobody is sent mail unless --invite says so. The fields are
    those of the API; hashed passwords go by passwordHash. docs/bulk-import.md tells everything.

    ```
    userctl import users.ndjson --dry-run --errors errors.ndjson
    userctl import users.csv --mode upsert --by external-id
    zcat users.ndjson.gz | userctl import - --json
    userctl import users.parquet --quiet-events
    ```

    Exit code 0: every row is imported, or passed over as was asked; 79: some rows have errors, the others are imported;
    130 and 143: interrupted, the same command goes on.

    Args:
        source: the file, or - for standard input.
        format: ndjson, csv or parquet; by the file's name if left out, and ndjson on standard input.
        mode: what becomes of a row whose user exists: insert makes it an error, upsert changes the user, skip passes it
            over.
        by: by what a row's user is known: email or external-id.
        errors: a file for what is wrong with rows, as NDJSON; one that is there is replaced.
        dry_run: only say what it would come to.
        quiet_events: publish one event for the whole import in place of one for each user.
        invite: send new users the mail that single ones are sent.
        restart: begin anew even where the same file was imported before.
        resume: go on with the import of this id: for standard input, fed with the same bytes from the beginning.
        batch_rows: rows that share a transaction, 1 to 5000.
        as_json: write the import, or what a dry run would come to, as JSON.
    """
    if not 1 <= batch_rows <= BATCH_MAX_ROWS:
        raise UsageError(f"--batch-rows: write 1 to {BATCH_MAX_ROWS}")
    if (resume and restart) or (dry_run and (resume or restart)):
        raise UsageError("--resume goes on, --restart begins anew, and --dry-run does neither")
    came_from = ImportSource.of(source, format)
    options = ImportOptions(came_from.format, mode, by, quiet_events, invite)
    asked = let_batches_end()
    _collect_rarely()
    async with open_session() as session:
        if dry_run:
            await _rehearse(session, came_from, options, errors, batch_rows, asked, as_json=as_json)
            return
        begun = await _begun(session, came_from, options, resume, restart=restart)
        await _import(session, came_from, begun, errors, batch_rows, asked, as_json=as_json)


def _collect_rarely() -> None:
    """Let the garbage collector look seldom: rows come and go by the thousand and hardly ever in circles.

    Looking as often as it does by itself took as long as all the rest of the work on a row.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 50, 1_000)


async def _begun(
    session: Session, source: ImportSource, options: ImportOptions, resume: str | None, *, restart: bool
) -> Import:
    start = session.core.start_import
    if resume is not None:
        return await start.resumed(ImportId(resume), options)
    digest = await asyncio.to_thread(source.digest)
    begun = await start(StartImportCommand(options, digest, restart), session.context)
    if source.is_pipe:
        note(f"import {begun.id}: to go on after an interruption, feed the same bytes with --resume {begun.id}")
    return begun


async def _import(
    session: Session,
    source: ImportSource,
    begun: Import,
    errors: Path | None,
    rows: int,
    asked: Asked,
    *,
    as_json: bool,
) -> None:
    before = session.core.read_imports.all_errors(begun.id)
    async with error_file(errors, before) as written:
        if begun.state is ImportState.RUNNING:
            begun = await _run(session, source, begun, written, rows, asked)
        else:
            note("this file was imported before with the same options: --restart imports it anew")
    if as_json:
        show_json(import_object(begun))
    else:
        _show(begun.progress.tally, begun, interrupted=bool(asked))
    _leave(begun.progress.tally, asked, ended=begun.state is not ImportState.RUNNING)


async def _run(
    session: Session, source: ImportSource, begun: Import, written: ErrorFile, rows: int, asked: Asked
) -> Import:
    core, context = session.core, evolve(session.context, correlation_id=correlation_of(begun))
    batches = source.batches(begun.progress, rows, lambda: bool(asked))
    with import_progress(source.size, begun.progress) as show:

        def report(settled: Settled) -> None:
            written.add(settled.errors)
            show(settled.progress)

        reached = await core.run_import(begun, batches, context, report=report)
    if asked:
        return reached
    return await core.end_import(reached, ImportState.COMPLETED, context)


async def _rehearse(
    session: Session,
    source: ImportSource,
    options: ImportOptions,
    errors: Path | None,
    rows: int,
    asked: Asked,
    *,
    as_json: bool,
) -> None:
    now = session.core.ports.clock.now()
    begun = Import(_REHEARSAL, options, None, ImportState.RUNNING, Progress(), str(session.context.actor), now, now)
    async with error_file(errors, _nothing()) as written:
        with taken_names() as taken, import_progress(source.size, begun.progress) as show:
            rehearse = RehearseBatch(session.core.import_batch, taken)
            async for batch in source.batches(begun.progress, rows, lambda: bool(asked)):
                settled = await rehearse(begun, batch, session.context)
                begun = begun.moved(settled.progress, settled.at)
                written.add(settled.errors)
                show(settled.progress)
    if as_json:
        show_json({"dryRun": True, "counts": tally_object(begun.progress.tally)})
    else:
        _show(begun.progress.tally, None, interrupted=bool(asked))
    _leave(begun.progress.tally, asked, ended=not asked)


async def _nothing() -> AsyncIterator[Sequence[RowError]]:
    for _ in ():
        yield []


def _show(tally: Tally, one: Import | None, *, interrupted: bool) -> None:
    counts = ", ".join(f"{count} {word}" for word, count in tally_object(tally).items() if word != "rows" and count)
    would = "would come to" if one is None else "came to"
    say(f"{tally.rows} rows {would}: {counts or 'nothing'}.")
    if one is not None:
        again = "; interrupted: the same command goes on" if interrupted and one.finished_at is None else ""
        say(f"Import {one.id}{again}.")
    elif interrupted:
        say("Interrupted.")


def _leave(tally: Tally, asked: Asked, *, ended: bool) -> None:
    """Leave with the exit code that says what came of it."""
    if asked and not ended:
        raise SystemExit(asked.exit_code)
    if tally.failed:
        raise NotAllDoneError(f"{tally.failed} of {tally.rows} rows have errors")
