"""How long it takes until one can begin."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.lab import Lab
from bench.load.running import ROOT
from bench.measure import By, Case, CaseFailedError, Goal, Sample, Sides
from user_cli.embedded.process import free_port

_IMPORT = "import time; s = time.perf_counter(); import usercore; print(time.perf_counter() - s)"


def _sample(seconds: float) -> Sample:
    return Sample(per_second=1 / seconds, p50_ms=1e3 * seconds, p99_ms=1e3 * seconds, count=1)


@asynccontextmanager
async def _importing(_: Lab) -> AsyncIterator[Sides]:
    async def ours(_: float) -> Sample:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _IMPORT), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        out, _err = await child.communicate()
        if child.returncode != 0:
            raise CaseFailedError("usercore cannot be imported")
        return _sample(float(out))

    yield Sides(ours)


@asynccontextmanager
async def _starting(lab: Lab) -> AsyncIterator[Sides]:
    data = lab.folder / "dev"

    async def ours(_: float) -> Sample:
        port = free_port()
        ports = ("--port", str(port), "--stream-port", "0")
        command = (sys.executable, "-m", "user_cli", "dev", "--data-dir", str(data), *ports)
        begun = time.perf_counter()
        async with lab.process("dev", command, _plain_environ(), port, "/health/ready"):
            return _sample(time.perf_counter() - begun)

    await ours(0)  # the first start makes the data folder
    yield Sides(ours)


def _plain_environ() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.endswith("_URL")}


STARTING = (
    Case(
        "start",
        "`userctl dev` from its start to ready, with PostgreSQL and Valkey, on a data folder that is there",
        "the goal itself, in seconds",
        By.SECONDS,
        Goal(at_most=5),
        _starting,
    ),
    Case(
        "import",
        "`import usercore` in a new Python",
        "the goal itself, in seconds",
        By.SECONDS,
        Goal(at_most=0.1),
        _importing,
    ),
)
