"""PostgreSQL's own pgbench: what the database does for a client that has nothing else to do."""

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from bench.load.client import percentile
from bench.measure import CaseFailedError, Sample

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
_LATENCY_COLUMN = 2


@frozen
class Pgbench:
    """A script that pgbench runs with prepared statements.

    Args:
        program: the binary.
        database_url: where.
        script: SQL and pgbench's own commands.
        clients: connections.
        variables: start values of the script's variables.
    """

    program: Path
    database_url: str = field(repr=False)
    script: str = field(repr=False)
    clients: int = 16
    variables: Mapping[str, int] = field(factory=dict)

    async def run(self, seconds: float) -> Sample:
        """Run it and return transactions a second and how long they took.

        Raises:
            CaseFailedError: pgbench stopped, or a transaction failed.
        """
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            (folder / "script.sql").write_text(self.script, encoding="utf-8")
            report = await self._output(folder, seconds)
            ordered = sorted(_latencies(folder))
        return Sample(
            per_second=_number(_RATE, report),
            p50_ms=percentile(ordered, 0.50),
            p99_ms=percentile(ordered, 0.99),
            count=int(_number(_DONE, report)),
        )

    async def _output(self, folder: Path, seconds: float) -> str:
        child = await asyncio.create_subprocess_exec(
            *(str(self.program), "-n", "-M", "prepared", "-c", str(self.clients), "-j", "1"),
            *("-T", str(max(1, round(seconds))), "-l", "--log-prefix=log", "-f", "script.sql"),
            *(part for name, value in self.variables.items() for part in ("-D", f"{name}={value}")),
            cwd=folder,
            env=os.environ | _connection(self.database_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await child.communicate()
        except asyncio.CancelledError:
            child.kill()
            raise
        report = out.decode(errors="replace")
        failed = _FAILED.search(report)
        if child.returncode != 0 or (failed and failed[1] != "0"):
            raise CaseFailedError(f"pgbench failed: {err.decode(errors='replace').strip()[:1000]}")
        return report


def _connection(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or "postgres"),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/"),
    }


def _latencies(folder: Path) -> list[float]:
    """Return what each transaction took, in milliseconds."""
    return [
        int(line.split(" ", _LATENCY_COLUMN + 1)[_LATENCY_COLUMN]) / 1e3
        for log in folder.glob("log.*")
        for line in log.read_text(encoding="ascii").splitlines()
    ]


def _number(pattern: re.Pattern[str], report: str) -> float:
    found = pattern.search(report)
    if found is None:
        raise CaseFailedError(f"pgbench said something unexpected: {report[:500]}")
    return float(found[1])
