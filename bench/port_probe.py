"""Call the port that gives ready profiles from many tasks of one process, without HTTP.

Run as a program it reads its orders from standard input and the service's settings from the environment, and writes
what it measured to standard output.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Mapping

import uvloop

from bench.load.client import result_of
from bench.load.plan import LoadResult
from bench.load.running import ROOT
from bench.measure import CaseFailedError, Sample
from usercore import UserId
from usercore.settings import CoreSettings, load
from usercore.users.ports import ProfileReader
from usercore.wiring.service import open_core

CALLERS = 64
_WARMUP_S = 0.3


async def probe(environ: Mapping[str, str], ids: tuple[str, ...], seconds: float) -> Sample:
    """Measure in a process of its own.

    Raises:
        CaseFailedError: a profile was not there, or the process failed.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.port_probe"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environ,
    )
    out, err = await child.communicate(json.dumps({"ids": ids, "seconds": seconds}).encode())
    if child.returncode != 0:
        raise CaseFailedError(err.decode(errors="replace").strip()[-2_000:])
    found = LoadResult.read(out)
    return Sample(found.per_second, found.p50_ms, found.p99_ms, found.count)


async def _measure(ids: list[str], seconds: float) -> LoadResult:
    async with open_core(load(CoreSettings, os.environ)) as service:
        _settle_garbage()
        reader = service.core.ports.profiles
        start = time.perf_counter() + _WARMUP_S
        shares = [ids[caller::CALLERS] for caller in range(CALLERS)]
        taken = await asyncio.gather(*(_call(reader, share, start, start + seconds) for share in shares))
        return result_of([one for part in taken for one in part], time.perf_counter() - start, body_bytes=0)


def _settle_garbage() -> None:
    """Do as the service does once it has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _call(reader: ProfileReader, ids: list[str], measure_from: float, stop_at: float) -> list[float]:
    taken: list[float] = []
    while True:
        for one in ids:
            before = time.perf_counter()
            found = await reader.documents((UserId(one),))
            now = time.perf_counter()
            if UserId(one) not in found:
                message = f"no profile of {one}"
                raise CaseFailedError(message)
            if now >= measure_from:
                taken.append(now - before)
            if now >= stop_at:
                return taken


def main() -> None:
    """Measure as standard input says."""
    orders = json.load(sys.stdin)
    result = uvloop.run(_measure(orders["ids"], orders["seconds"]))
    sys.stdout.buffer.write(result.write())


if __name__ == "__main__":
    main()
