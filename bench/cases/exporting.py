"""Exports of all users, against psql's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from bench.database import MASTER_KEYS, FilledDatabase
from bench.lab import Lab
from bench.measure import By, Case, CaseFailedError, Goal, Measure, Sample, Sides
from usercore import Actor, ActorKind, CommandContext, UserQuery
from usercore.bulk.exports.export_users import ExportUsersCommand
from usercore.bulk.exports.values import ExportFormat
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

_CONTEXT = CommandContext(Actor(ActorKind.OPERATOR, "bench"), correlation_id="bench")


@frozen
class _Sink:
    file: BinaryIO

    async def write(self, data: bytes) -> None:
        self.file.write(data)


def _measured(database: FilledDatabase, export: Callable[[], Awaitable[object]]) -> Measure:
    """Return what repeats an export for some time, at least once."""

    async def measure(seconds: float) -> Sample:
        begun, times = time.monotonic(), 0
        while not times or time.monotonic() - begun < seconds:
            await export()
            times += 1
        each = (time.monotonic() - begun) / times
        return Sample(database.users / each, each * 1000, each * 1000, times * database.users)

    return measure


def _ours(core: Core, form: ExportFormat, path: Path, users: int) -> Callable[[], Awaitable[object]]:
    async def export() -> None:
        with path.open("wb") as file:
            command = ExportUsersCommand(UserQuery(), "bench", format=form)
            summary = await core.export_users(command, _CONTEXT, _Sink(file))
        if summary.users != users:
            raise CaseFailedError(f"{summary.users} users were exported of {users}")

    return export


def _psql(program: Path, database: FilledDatabase, path: Path) -> Callable[[], Awaitable[object]]:
    async def copy() -> None:
        command = f"\\copy users TO '{path}' (FORMAT csv)"
        child = await asyncio.create_subprocess_exec(program, "-q", database.url, "-c", command)
        if await child.wait():
            raise CaseFailedError("psql could not copy")

    return copy


def _sides(form: ExportFormat) -> Callable[[Lab], AbstractAsyncContextManager[Sides]]:
    @asynccontextmanager
    async def sides(lab: Lab) -> AsyncIterator[Sides]:
        database = await lab.database(lab.users)
        settings = load(CoreSettings, {"DATABASE_URL": database.url, "USER_SERVICE_MASTER_KEYS": MASTER_KEYS})
        async with open_core(settings) as service:
            ours = _ours(service.core, form, lab.folder / "export", database.users)
            floor = _psql(lab.programs / "psql", database, lab.folder / "copy")
            yield Sides(_measured(database, ours), _measured(database, floor))

    return sides


def _case(form: ExportFormat, least: float) -> Case:
    title = f"export of all users as {form.value}, whole profiles, with audit entries"
    floor = "psql: \\copy of the table users in CSV"
    return Case(f"export-{form.value}", title, floor, By.RATE, Goal(at_least=least), _sides(form))


EXPORTING = (_case(ExportFormat.CSV, 1.0), _case(ExportFormat.NDJSON, 0.48))
