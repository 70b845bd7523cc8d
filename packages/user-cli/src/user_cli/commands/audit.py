"""`userctl audit`: who did what to whom, and the proof of it."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

from attrs import evolve, frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.failures import InputInvalidError, UsageError
from user_cli.inputs import optional_moment, read_documents, write_private, write_public
from user_cli.output import note, say, show_json, show_json_items, show_json_page, to_json
from user_cli.session import open_session
from user_cli.views_audit import finding_object, report_object, show_entries, show_findings, show_report
from usercore.audit.entry import ChainedEntry
from usercore.audit.errors import AuditTamperedError
from usercore.audit.export_audit import ExportedEntry, check_export
from usercore.audit.query import PAGE_DEFAULT, PAGE_MAX, AuditQuery, read_cursor
from usercore.audit.verify_audit import VerifyCommand
from usercore.codec.audit import audit_object, export_object, read_export
from usercore.codec.checkpoints import checkpoint_object
from usercore.codec.scalars import timestamp
from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId
from usercore.settings import CheckpointSettings, load
from usercore.wiring.core import Core

_ABOUT = """\
Who did what to whom, and the proof that nobody changed the record.

```
userctl audit show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
userctl audit verify --checkpoints /mnt/worm/checkpoints.jsonl
userctl audit export --since 2026-01-01 > audit.jsonl
```
"""
_LINE_MAX_BYTES = 1024 * 1024

app = command_group("audit", _ABOUT)


@Parameter(name="*")
@frozen
class Conditions:
    """Which entries; conditions combine.

    Args:
        actor: who did it: USER, SERVICE, OPERATOR or SYSTEM, a colon, and the id.
        action: what was done: UserUpdated, UserRead.
        since: what happened then or later.
        until: what happened before then.
    """

    actor: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


@app.command
async def show(
    user_id: Annotated[str | None, Parameter(help="What was done to this user.")] = None,
    /,
    *,
    conditions: Conditions = Conditions(),
    limit: WithDefault[int] = PAGE_DEFAULT,
    cursor: str | None = None,
    everything: Annotated[bool, Parameter(name="--all")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who did what, newest first: changes, and what operators looked at.

    ```
    userctl audit show 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    userctl audit show --actor OPERATOR:ada --since 2026-01-01 --all
    ```

    Args:
        user_id: the user's id; all users if left out.
        conditions: which entries.
        limit: entries on a page.
        cursor: go on where the page before ended.
        everything: show every page.
        as_json: write {"items": [...], "nextCursor": ...}.
    """
    if everything and cursor is not None:
        raise UsageError("--all begins at the beginning: leave --cursor out")
    query = AuditQuery(
        user_id=None if user_id is None else UserId(user_id),
        actor=None if conditions.actor is None else _actor(conditions.actor),
        action=conditions.action,
        since=optional_moment("--since", conditions.since),
        until=optional_moment("--until", conditions.until),
        limit=PAGE_MAX if everything else limit,
        after=None if cursor is None else read_cursor(cursor),
    )
    async with open_session() as session:
        if everything and as_json:
            await show_json_items(audit_object(one) async for one in _every(session.core, query))
        elif everything:
            show_entries([one async for one in _every(session.core, query)], None)
        else:
            page = await session.core.read_audit(query)
            if as_json:
                show_json_page(map(audit_object, page.items), page.next_cursor)
            else:
                show_entries(page.items, page.next_cursor)


async def _every(core: Core, query: AuditQuery) -> AsyncIterator[ChainedEntry]:
    while True:
        page = await core.read_audit(query)
        for one in page.items:
            yield one
        if page.next_cursor is None:
            return
        query = _behind(query, page.next_cursor)


def _behind(query: AuditQuery, cursor: str) -> AuditQuery:
    return evolve(query, after=read_cursor(cursor))


def _actor(raw: str) -> Actor:
    try:
        return Actor.parse(raw)
    except ValueError:
        raise UsageError("--actor: write KIND:id, as in OPERATOR:ada") from None


@app.command
async def verify(
    *,
    user: str | None = None,
    checkpoints: Path | None = None,
    as_json: AsJson = False,
) -> None:
    """Check the whole audit trail: entries, chains, what belongs to them, and the checkpoints.

    It compares with the checkpoints of a file: without --checkpoints, that of USER_SERVICE_AUDIT_CHECKPOINT_FILE.
    Without either, nobody notices a database that was taken back as a whole. A copy from the topic
    user-service.audit-checkpoints will do as well: userctl events tail writes one.

    ```
    userctl audit verify
    userctl audit verify --checkpoints /mnt/worm/checkpoints.jsonl --json
    userctl audit verify --user 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11
    ```

    Args:
        user: check this user's chain alone.
        checkpoints: a file of published checkpoints.
        as_json: write {"clean": ..., "entries": ..., "findings": [...], ...}.
    """
    from usercore.wiring.auditing import published_notes  # noqa: PLC0415 - takes long to import

    source = checkpoints or load(CheckpointSettings, os.environ).checkpoint_file
    command = VerifyCommand(
        user_id=None if user is None else UserId(user),
        published=None if source is None else lambda: list(published_notes(source)),
        told=lambda count: note(f"{count:,} looked at …"),
    )
    async with open_session() as session:
        report = await session.core.verify_audit(command)
    if as_json:
        show_json(report_object(report))
    else:
        show_report(report, published=source is not None)
    if not report.is_clean:
        raise AuditTamperedError(f"{len(report.findings) + report.further} findings")


@app.command
async def checkpoint(*, as_json: AsJson = False) -> None:
    """Sign where all chains stand now, and publish it.

    A running service does this by itself, every USER_SERVICE_AUDIT_CHECKPOINT_INTERVAL_S.

    ```
    userctl audit checkpoint
    ```

    Args:
        as_json: write {"number": ..., "root": ..., "note": ...}; null where another process is making one.
    """
    async with open_session() as session:
        made = await session.core.make_checkpoint()
    if as_json:
        show_json(None if made is None else checkpoint_object(made))
    elif made is None:
        say("Another process is making a checkpoint.")
    else:
        one = made.checkpoint
        say(f"Checkpoint {one.number} at {timestamp(one.at)}: {one.entries} entries, {one.size} leaves.")


@app.command
async def export(
    *,
    user: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> None:
    """Write the trail to standard output, a JSON object a line, by user and in the order of their chains.

    Each line has the entry's hash and the one before it, so that the export can be checked without the database:
    `userctl audit verify-export`.

    ```
    userctl audit export > audit.jsonl
    userctl audit export --since 2026-01-01 --until 2026-02-01 > january.jsonl
    ```

    Args:
        user: this user's chain alone.
        since: what happened then or later.
        until: what happened before then.
    """
    begin, end = optional_moment("--since", since), optional_moment("--until", until)
    async with open_session() as session:
        pages = session.core.export_audit.pages(None if user is None else UserId(user), since=begin, until=end)
        async for one in pages:
            print(to_json(export_object(one)))  # noqa: T201 - this is what was asked for


@app.command(name="verify-export")
def verify_export(source: str, /, *, as_json: AsJson = False) -> None:
    """Check an export by itself, without a database: each entry's hash, and that none is missing in between.

    ```
    userctl audit verify-export audit.jsonl
    ```

    Args:
        source: a file that `userctl audit export` wrote, or - for standard input.
        as_json: write {"clean": ..., "findings": [...]}.
    """
    findings = list(check_export(_lines(source)))
    if as_json:
        show_json({"clean": not findings, "findings": [finding_object(one) for one in findings]})
    else:
        show_findings(findings)
    if findings:
        raise AuditTamperedError(f"{len(findings)} findings")


def _lines(source: str) -> Iterator[ExportedEntry]:
    for number, line in enumerate(read_documents(source, limit_bytes=_LINE_MAX_BYTES), start=1):
        try:
            yield read_export(json.loads(line))
        except (ValueError, RecursionError):
            raise InputInvalidError(f"line {number} is no entry of an export") from None


@app.command
def keygen(*, private: Path, public: Path, name: str | None = None, force: bool = False) -> None:
    """Make a key that signs checkpoints, and the line with which others check them.

    Keep the private key away from the database: USER_SERVICE_AUDIT_KEY_FILE. Hand the public one to auditors; lines of
    several keys can stand in one file: USER_SERVICE_AUDIT_PUBLIC_KEYS_FILE.

    ```
    userctl audit keygen --private audit-key.pem --public audit-keys.txt
    ```

    Args:
        private: takes the Ed25519 private key, which its owner alone may read.
        public: takes the line with the public key.
        name: whose audit trail it is; USER_SERVICE_AUDIT_NAME if left out.
        force: replace files that are there.
    """
    from usercore.wiring.auditing import new_keys  # noqa: PLC0415 - takes long to import

    if private.absolute() == public.absolute():
        raise UsageError("name two different files")
    if not force and (private.exists() or public.exists()):
        raise UsageError("a file of that name is there: name another one, or replace it with --force")
    pair = new_keys(name or load(CheckpointSettings, os.environ).name)
    write_private(private, pair.private)
    write_public(public, f"{pair.public}\n".encode())
    say(f"private key: {private}")
    say(f"public key: {public}")
