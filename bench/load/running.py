"""Run the load generator as a process of its own."""

import asyncio
import sys
from pathlib import Path

from bench.load.plan import LoadFailedError, LoadPlan, LoadResult

_SHOWN = 2_000
ROOT = Path(__file__).parents[2]


async def run_load(plan: LoadPlan) -> LoadResult:
    """Put a load on and return what was measured.

    Raises:
        LoadFailedError: an answer had another status, was not whole, or did not come.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        out, err = await child.communicate(plan.write())
    except asyncio.CancelledError:
        child.kill()
        raise
    if child.returncode != 0:
        raise LoadFailedError(err.decode(errors="replace").strip()[-_SHOWN:] or f"status {child.returncode}")
    return LoadResult.read(out)
