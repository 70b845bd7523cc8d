r"""Imports of many users against psql's `\copy` of the rows that came of them, into the same tables.

As a program, the whole measurement: ``python -m bench.importing --rows 2000000 --kills 5``. It makes a file, imports it
and copies the same rows in turn, tells of time and memory, then kills an import again and again and compares what it
came to with the one that ran undisturbed.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psycopg
from attrs import field, frozen
from psycopg.sql import SQL, Identifier

from bench.database import MASTER_KEYS, database_beside
from bench.measure import CaseFailedError
from user_cli.embedded import embedded_servers
from user_cli.embedded.account import server_account
from user_cli.embedded.programs import postgres_programs
from usercore.adapters.sql.import_rows import COLUMNS
from usercore.adapters.sql.migrating import upgrade

_FIRST: Final = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Niklaus", "Zoë", "Jürgen")
_LAST: Final = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Allen", "Wirth", "Ångström", "O'Brien")
_CITIES: Final = ("London", "Berlin", "Wien", "Zürich", "New York", "Amsterdam")
_SEED: Final = 20_240_229
_MIB: Final = 1024


def write_rows(path: Path, rows: int) -> None:
    """Write a file of users, the same for the same number."""
    rng = random.Random(_SEED)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            row = {
                "email": f"user.{number}@example.com",
                "firstName": rng.choice(_FIRST),
                "lastName": rng.choice(_LAST),
                "phoneNumber": f"+4930{number:08}",
                "locale": "en-GB",
                "timeZone": "Europe/London",
                "birthDate": f"{rng.randint(1930, 2005)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
                "address": {
                    "street": f"{number % 200} St James's Square",
                    "city": rng.choice(_CITIES),
                    "postalCode": f"{number % 100_000:05}",
                    "country": "United Kingdom",
                },
                "externalId": f"crm-{number}",
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


@frozen
class Took:
    """One run.

    Args:
        seconds: from start to end of the process.
        cpu_s: what of them it had a processor.
        peak_mib: the most memory that it held.
        code: its exit code.
    """

    seconds: float
    cpu_s: float
    peak_mib: float
    code: int


@frozen
class Stage:
    """A server, and an empty database to copy.

    Args:
        server_url: any database of it.
        template: the name of a migrated database.
        psql: the program.
        folder: for files.
    """

    server_url: str = field(repr=False)
    template: str
    psql: Path
    folder: Path

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Give an empty database with every table, and drop it."""
        name = f"bench_import_{secrets.token_hex(4)}"
        connect = psycopg.AsyncConnection.connect
        async with await connect(self.server_url, autocommit=True) as connection:
            make = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(self.template))
            await connection.execute(make)
            await connection.execute("CHECKPOINT")
            try:
                yield database_beside(self.server_url, name)
            finally:
                await connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    async def imported(self, url: str, file: Path, *more: str, kill_at: int | None = None) -> Took:
        """Import a file as an operator does; kill the process once so many rows are in."""
        command = (sys.executable, "-m", "user_cli", "import", str(file), "--json", *more)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("USER_SERVICE_")},
            "DATABASE_URL": url,
            "USER_SERVICE_MASTER_KEYS": MASTER_KEYS,
            "USERCTL_OPERATOR": "bench",
        }
        environ.pop("REDIS_URL", None)
        return await asyncio.to_thread(_run, command, environ, url, kill_at)

    async def copied(self, url: str) -> float:
        """Copy the files of :meth:`dump` into an empty database with psql, and return the seconds."""
        script = "".join(f"\\copy {table} ({_columns(table)}) FROM '{self.folder / table}'\n" for table in COLUMNS)
        (self.folder / "copy.sql").write_text(script, encoding="utf-8")
        begun = time.monotonic()
        await self._psql(url, "-f", str(self.folder / "copy.sql"))
        return time.monotonic() - begun

    async def dump(self, url: str) -> None:
        """Write the rows of an import into files."""
        mine = SQL(" WHERE user_id <> '00000000-0000-0000-0000-000000000000'").as_string()
        for table in COLUMNS:
            where = mine if table in {"audit_entries", "audit_heads"} else ""
            query = f"SELECT {_columns(table)} FROM {table}{where}"  # noqa: S608 -- names of ours
            await self._psql(url, "-c", f"\\copy ({query}) TO '{self.folder / table}'")

    async def _psql(self, url: str, *arguments: str) -> None:
        child = await asyncio.create_subprocess_exec(
            self.psql, "-q", "-X", "-v", "ON_ERROR_STOP=1", url, *arguments, stdout=asyncio.subprocess.DEVNULL
        )
        if await child.wait():
            raise CaseFailedError("psql could not copy")


def _columns(table: str) -> str:
    return ", ".join(COLUMNS[table])


def _run(command: Sequence[str], environ: Mapping[str, str], url: str, kill_at: int | None) -> Took:
    begun = time.monotonic()
    with Path(os.devnull).open("ab") as log:
        child = os.posix_spawn(
            command[0],
            list(command),
            environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)],
        )
    if kill_at is not None:
        _kill_at(child, url, kill_at)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Took(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / _MIB, code)


def _kill_at(child: int, url: str, rows: int) -> None:
    query = "SELECT COALESCE(max(created + failed), 0) FROM imports"
    with psycopg.connect(url, autocommit=True) as connection:
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            [(reached,)] = connection.execute(query).fetchall()
            if reached >= rows:
                os.kill(child, signal.SIGKILL)
                return
            time.sleep(0.01)


# Everything that does not hang on ids, keys or times drawn anew: what two imports of the same file must agree in.
_SAME: Final = """
SELECT 'users', count(*), count(DISTINCT email_canonical),
       sum(hashtextextended(concat_ws('|', email, username, first_name, last_name, phone_number, address_street,
           address_city, address_postal_code, birth_date, external_id, version, state, search_words), 0))
FROM users
UNION ALL SELECT 'user_history', count(*), count(DISTINCT (user_id, version)), 0 FROM user_history
UNION ALL SELECT 'user_keys', count(*), count(DISTINCT user_id), 0 FROM user_keys
UNION ALL SELECT 'audit_entries', count(*), count(DISTINCT (user_id, sequence)), 0
FROM audit_entries WHERE user_id <> '00000000-0000-0000-0000-000000000000'
UNION ALL SELECT 'outbox', count(*), count(DISTINCT aggregateid), sum(hashtextextended(payload->>'email', 0))
FROM outbox
UNION ALL SELECT 'deliveries', count(*), count(DISTINCT (event_id, recipient)),
       sum(hashtextextended(payload->>'email', 0))
FROM deliveries
UNION ALL SELECT 'imports', sum(created)::bigint, sum(failed)::bigint, count(*) FROM imports WHERE state = 'COMPLETED'
"""


async def what_came_of(url: str) -> list[tuple[object, ...]]:
    """Return what two imports of one file must agree in."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(_SAME.encode())).fetchall()


@asynccontextmanager
async def open_stage(folder: Path, server_url: str, psql: Path) -> AsyncIterator[Stage]:
    """Make the empty database that the others are copied of."""
    name = f"bench_import_template_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        await connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        try:
            await upgrade(database_beside(server_url, name))
            yield Stage(server_url, name, psql, folder)
        finally:
            await connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


async def _measure(rows: int, rounds: int, kills: int) -> int:
    started = embedded_servers(None, database_url=os.environ.get("DATABASE_URL") or None, redis_url="not-started:")
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        folder = Path(name)
        async with started as servers:
            psql = postgres_programs(server_account(), servers.folder) / "psql"
            async with open_stage(folder, servers.database_url, psql) as stage:
                return await _all(stage, rows, rounds, kills)


async def _all(stage: Stage, rows: int, rounds: int, kills: int) -> int:
    file, one = stage.folder / "rows.ndjson", stage.folder / "one.ndjson"
    write_rows(file, rows)
    write_rows(one, 1)
    async with stage.database() as url:
        idle = await stage.imported(url, one)
    size = file.stat().st_size / 1e6
    print(f"file: {rows:,} rows, {size:,.0f} MB; a file of one row: {idle.seconds:.1f} s, {idle.peak_mib:.0f} MiB")
    expected: Sequence[tuple[object, ...]] = []
    for number in range(rounds):
        async with stage.database() as url:
            ours = await stage.imported(url, file)
            expected = await what_came_of(url)
            await stage.dump(url)
        if ours.code:
            raise CaseFailedError(f"the import ended with {ours.code}")
        async with stage.database() as url:
            floor = await stage.copied(url)
        print(f"round {number + 1}: {_told(rows, ours, idle, floor)}", flush=True)
    return await _killed(stage, file, rows, kills, expected) if kills else 0


def _told(rows: int, ours: Took, idle: Took, floor: float) -> str:
    return (
        f"import {ours.seconds:.1f} s ({ours.cpu_s:.1f} s of CPU), {rows / ours.seconds:,.0f} rows/s, at most "
        f"{ours.peak_mib:.0f} MiB ({ours.peak_mib - idle.peak_mib:+.0f}); \\copy {floor:.1f} s, "
        f"{rows / floor:,.0f} rows/s; ratio {floor / ours.seconds:.2f}"
    )


async def _killed(stage: Stage, file: Path, rows: int, kills: int, expected: Sequence[tuple[object, ...]]) -> int:
    async with stage.database() as url:
        codes = [
            (await stage.imported(url, file, kill_at=rows * turn // (kills + 1))).code for turn in range(1, kills + 1)
        ]
        last = await stage.imported(url, file)
        found = await what_came_of(url)
    same = list(found) == list(expected)
    print(f"killed {codes.count(-signal.SIGKILL)} times of {kills}, then ended with {last.code}: ", end="")
    print("the same as without" if same else f"DIFFERENT\n{expected}\n{found}")
    return 0 if same and not last.code else 1


def main() -> int:
    """Run the whole measurement; return 0 where what was killed came to the same."""
    parser = argparse.ArgumentParser(prog="python -m bench.importing")
    parser.add_argument("--rows", type=int, default=100_000, help="in the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of import and \\copy in turn (%(default)s)")
    parser.add_argument("--kills", type=int, default=0, help="SIGKILLs in an import of its own (%(default)s)")
    options = parser.parse_args()
    return asyncio.run(_measure(options.rows, options.rounds, options.kills))


if __name__ == "__main__":
    sys.exit(main())
