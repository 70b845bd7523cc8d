"""An import of many users, against psql's own copying of the rows that came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.importing import open_stage, write_rows
from bench.lab import Lab
from bench.measure import By, Case, CaseFailedError, Goal, Sample, Sides

_PART: Final = 10
"""So many times fewer rows than the large database has users, as each sample begins with an empty one."""


@asynccontextmanager
async def _sides(lab: Lab) -> AsyncIterator[Sides]:
    rows = max(lab.users // _PART, 1)
    file, one = lab.folder / "rows.ndjson", lab.folder / "one.ndjson"
    write_rows(file, rows)
    write_rows(one, 1)
    async with open_stage(lab.folder, lab.servers.database_url, lab.programs / "psql") as stage:
        async with stage.database() as url:
            start = await stage.imported(url, one)
        async with stage.database() as url:
            await stage.imported(url, file)
            await stage.dump(url)

        async def ours(_: float) -> Sample:
            async with stage.database() as url:
                took = await stage.imported(url, file)
            if took.code:
                raise CaseFailedError(f"the import ended with {took.code}")
            return _sample(rows, max(took.seconds - start.seconds, 0.001))

        async def floor(_: float) -> Sample:
            async with stage.database() as url:
                return _sample(rows, await stage.copied(url))

        yield Sides(ours, floor)


def _sample(rows: int, seconds: float) -> Sample:
    return Sample(rows / seconds, seconds * 1000, seconds * 1000, rows)


IMPORTING = (
    Case(
        "bulk-import",
        "userctl import of new users from NDJSON, beyond what it takes for a file of one row",
        "psql: \\copy of the same rows into the same seven tables",
        By.RATE,
        Goal(at_least=0.5),
        _sides,
    ),
)
