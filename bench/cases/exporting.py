"""Exports of all users, against psql's own, and how much memory they take."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from bench.database import FilledDatabase
from bench.export_probe import PARQUET, Orders, probe
from bench.lab import Lab
from bench.measure import By, Case, CaseFailedError, Goal, Measure, Sample, Sides
from usercore.adapters.sql.export_columns import PROFILE_LEAVES
from usercore.bulk.exports.values import ExportFormat

_COLUMNS = ", ".join(leaf.sql for leaf in PROFILE_LEAVES.values())
"""What an export tells of a profile, as PostgreSQL has it."""
_MEMORY_MIB = 64


def _ours(lab: Lab, database: FilledDatabase, form: str) -> Measure:
    environ, path = lab.environ(database, cached=False), str(lab.folder / "export")

    async def measure(seconds: float) -> Sample:
        return await probe(environ, Orders(form, path, database.users, seconds))

    return measure


def _psql(lab: Lab, database: FilledDatabase) -> Measure:
    copy = f"\\copy (SELECT {_COLUMNS} FROM users AS u) TO '{lab.folder / 'copy'}' (FORMAT csv)"  # noqa: S608 -- ours
    command: tuple[str | Path, ...] = (lab.programs / "psql", "-q", database.url, "-c", copy)

    async def measure(seconds: float) -> Sample:
        begun, times = time.perf_counter(), 0
        while not times or time.perf_counter() - begun < seconds:
            child = await asyncio.create_subprocess_exec(*command)
            if await child.wait():
                message = "psql could not copy"
                raise CaseFailedError(message)
            times += 1
        each = (time.perf_counter() - begun) / times
        return Sample(database.users / each, each * 1000, each * 1000, times * database.users)

    return measure


def _rate(form: str) -> Callable[[Lab], AbstractAsyncContextManager[Sides]]:
    @asynccontextmanager
    async def sides(lab: Lab) -> AsyncIterator[Sides]:
        database = await lab.people(lab.users)
        yield Sides(_ours(lab, database, form), _psql(lab, database))

    return sides


def _memory(form: str) -> Callable[[Lab], AbstractAsyncContextManager[Sides]]:
    @asynccontextmanager
    async def sides(lab: Lab) -> AsyncIterator[Sides]:
        yield Sides(_ours(lab, await lab.people(lab.users), form))

    return sides


def _rate_case(form: str, goal: Goal | None) -> Case:
    title = f"export of all users as {form}, whole profiles, with audit entries"
    return Case(f"export-{form}", title, "psql: \\copy of the same columns in CSV", By.RATE, goal, _rate(form))


def _memory_case(form: str) -> Case:
    title = f"the most memory that the same takes as {form}, beyond the idle process"
    goal = Goal(at_most=_MEMORY_MIB)
    return Case(f"export-{form}-memory", title, "the goal itself, in MiB", By.MEMORY, goal, _memory(form))


_GOALS = {ExportFormat.CSV.value: Goal(at_least=1.0), ExportFormat.NDJSON.value: Goal(at_least=0.48), PARQUET: None}

EXPORTING = (*(_rate_case(form, goal) for form, goal in _GOALS.items()), *(_memory_case(form) for form in _GOALS))
