"""The version before this one and this one run side by side, and nobody notices: not of the tables' way up either.

`ROLLING=long` lets each stage serve thousands of requests. Which version is the one before stands in `previous.json`.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from attrs import define, evolve

from tests.e2e.harness.balancer import Balancer, balancing
from tests.e2e.harness.copies import SERVICE_SCOPES, Copy, World, running_copies
from tests.e2e.harness.load import Load, under_load
from tests.e2e.harness.previous import Previous, unpacked
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until_so
from usercore.adapters.sql import downgrade, status, upgrade
from usercore.adapters.sql.migrating import Limits
from usercore.adapters.sql.versions import VERSIONS

LONG = os.environ.get("ROLLING") == "long"
WORKERS = 12 if LONG else 4
STAGE = 3_000 if LONG else 80
"""How many requests are answered in each stage."""
LOCK_TIMEOUT_S = 1.0
"""What `userctl db upgrade` waits for a table, by default."""
SLACK_S = 0.5
"""The machine does other things as well."""
_LOOK_EVERY_S = 0.01

_ONE_MORE = '''
"""A version that needs a table that everybody uses."""
from alembic import op
revision, down_revision, branch_labels, depends_on = "next", {newest!r}, None, None
phase = "expand"
def upgrade():
    op.execute("ALTER TABLE users ADD COLUMN something_new text")
def downgrade():
    op.execute("ALTER TABLE users DROP COLUMN something_new")
'''


@define(eq=False)
class LockWatch:
    """Looks at who waits for a table, all the time."""

    longest_s: float = 0.0
    seen: int = 0

    async def watch(self, url: str) -> None:
        query = (
            "SELECT count(*), COALESCE(max(extract(epoch FROM clock_timestamp() - waitstart)), 0) FROM pg_locks"
            " WHERE NOT granted AND locktype = 'relation'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while True:
                [(waiting, longest)] = await (await connection.execute(query.encode())).fetchall()
                self.seen += waiting
                self.longest_s = max(self.longest_s, float(longest))
                await asyncio.sleep(_LOOK_EVERY_S)


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[LockWatch]:
    watch = LockWatch()
    watching = asyncio.create_task(watch.watch(url))
    try:
        yield watch
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture
def previous(tmp_path: Path) -> Previous:
    return unpacked(tmp_path)


@pytest.fixture
async def older_world(world: World, database_url: str, previous: Previous) -> World:
    """A database as the version before this one left it."""
    await upgrade(database_url, previous.schema)
    return evolve(world, database_url=database_url)


async def replace(balancer: Balancer, leaving: Copy, load: Load) -> None:
    """Stop a copy as platforms do, and serve on without it."""
    leaving.signal(signal.SIGTERM)
    await balancer.left(leaving.port)
    assert await leaving.ended() == 0
    await load.answered(STAGE)


async def userctl_upgrades(world: World) -> str:
    """Run `userctl db upgrade` of this version."""
    command = (sys.executable, "-P", "-m", "user_cli", "db", "upgrade")
    process = await asyncio.create_subprocess_exec(
        *command, env=world.environ(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, written
    return written.decode()


def one_more(folder: Path, newest: str) -> Path:
    """Give all versions of this program, and one behind them."""
    versions = folder / "versions"
    shutil.copytree(VERSIONS, versions, ignore=shutil.ignore_patterns("__pycache__"))
    (versions / "next_one_more.py").write_text(_ONE_MORE.format(newest=newest), encoding="utf-8")
    return versions


async def meets_a_report(world: World, newest: str, load: Load, folder: Path) -> None:
    """Take the tables one version further while a report reads users for longer than anybody would wait."""
    versions, told = one_more(folder, newest), list[str]()
    patient = Limits(lock_timeout_s=0.2, tries=100, pause_s=0.05, longest_pause_s=0.2)
    async with await psycopg.AsyncConnection.connect(world.database_url) as report:
        await report.execute("SELECT count(*) FROM users")
        going = asyncio.create_task(upgrade(world.database_url, limits=patient, told=told.append, folder=versions))
        await until_so(lambda: len(told) > 2, "the version is tried again and again")
        await load.answered(STAGE // 3)
        await report.rollback()
    assert (await going).current == "next"
    await downgrade(world.database_url, newest, limits=patient, folder=versions)


async def test_a_rolling_upgrade_under_load_fails_no_request_and_loses_nothing(
    older_world: World, previous: Previous, tmp_path: Path
) -> None:
    world, url = older_world, older_world.database_url
    older = {"DRAIN_DELAY_S": "0.5"}
    async with (
        running_copies(world, 1, python_path=previous.python_path, **older) as [leaving],
        balancing() as balancer,
        watched(url) as locks,
    ):
        await balancer.add(leaving.port)
        async with under_load(balancer.port, world.signer.token(*SERVICE_SCOPES), WORKERS) as load:
            await load.answered(STAGE)
            await userctl_upgrades(world)
            newest = (await status(url)).newest
            assert await rows(url, "SELECT version_num FROM schema_version") == [(newest,)]
            await load.answered(STAGE)

            await meets_a_report(world, newest, load, tmp_path)

            async with running_copies(world, 1, DRAIN_DELAY_S="0.5") as [coming]:
                await balancer.add(coming.port)
                await load.answered(STAGE)
                await replace(balancer, leaving, load)
                await load.done()
    assert load.failures == []
    assert list(await load.lost(url)) == []
    assert len(load.people) > WORKERS
    # Somebody did wait, or nothing was proved; and nobody waited longer than a migration may keep them.
    assert locks.seen > 0
    assert locks.longest_s < LOCK_TIMEOUT_S + SLACK_S
    assert load.slowest_s < LOCK_TIMEOUT_S + 2 * SLACK_S
