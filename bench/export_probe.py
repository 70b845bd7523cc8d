"""Export all users again and again in a process of its own, and see how much memory that takes.

Run as a program it reads its orders from standard input and the service's settings from the environment, and writes
what it measured to standard output.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from bench.load.running import ROOT
from bench.measure import CaseFailedError, Sample
from user_cli.archive_file import FileSink
from user_cli.parquet_file import parquet_sink
from usercore import Actor, ActorKind, CommandContext, UserQuery
from usercore.bulk.exports.export_users import ExportUsersCommand
from usercore.bulk.exports.ports import ExportSink
from usercore.bulk.exports.values import ExportFormat
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

PARQUET: Final = "parquet"
_CONTEXT: Final = CommandContext(Actor(ActorKind.OPERATOR, "bench"), correlation_id="bench")
_KIB_IN_MIB: Final = 1024


@frozen
class Orders:
    """What to do.

    Args:
        form: ``csv``, ``ndjson`` or ``parquet``.
        path: the file to write.
        users: how many must be in it.
        seconds: how long to go on; at least one export is made.
    """

    form: str
    path: str
    users: int
    seconds: float


async def probe(environ: Mapping[str, str], orders: Orders) -> Sample:
    """Measure in a process of its own.

    Raises:
        CaseFailedError: somebody was missing, or the process failed.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.export_probe"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environ,
    )
    written = {name: getattr(orders, name) for name in ("form", "path", "users", "seconds")}
    out, err = await child.communicate(json.dumps(written).encode())
    if child.returncode != 0:
        raise CaseFailedError(err.decode(errors="replace").strip()[-2_000:])
    return Sample(**json.loads(out))


async def _measure(orders: Orders) -> dict[str, Any]:
    async with open_core(load(CoreSettings, os.environ)) as service:
        await service.core.ports.statistics.size()
        idle_kib = _memory_kib("VmRSS")
        begun, times = time.perf_counter(), 0
        while not times or time.perf_counter() - begun < orders.seconds:
            await _export(service.core, orders)
            times += 1
        each = (time.perf_counter() - begun) / times
    more_mib = (_memory_kib("VmHWM") - idle_kib) / _KIB_IN_MIB
    return {
        "per_second": orders.users / each,
        "p50_ms": each * 1000,
        "p99_ms": each * 1000,
        "count": times * orders.users,
        "more_mib": more_mib,
    }


async def _export(core: Core, orders: Orders) -> None:
    form = ExportFormat.CSV if orders.form == PARQUET else ExportFormat(orders.form)
    command = ExportUsersCommand(UserQuery(), "bench", format=form, formulas=orders.form == PARQUET)
    with _sink(orders) as sink:
        summary = await core.export_users(command, _CONTEXT, sink)
    if summary.users != orders.users:
        message = f"{summary.users} users were exported of {orders.users}"
        raise CaseFailedError(message)


@contextmanager
def _sink(orders: Orders) -> Iterator[ExportSink]:
    with Path(orders.path).open("wb") as file:
        if orders.form == PARQUET:
            with parquet_sink(file) as sink:
                yield sink
        else:
            yield FileSink(file)


def _memory_kib(name: str) -> int:
    """Return what Linux says of this process: ``VmRSS``, what it has in memory, or ``VmHWM``, the most it ever had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def main() -> None:
    """Measure as standard input says."""
    sys.stdout.write(json.dumps(asyncio.run(_measure(Orders(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
