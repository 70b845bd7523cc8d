"""A streaming replica of a PostgreSQL of a test's own, as `pg_basebackup` makes it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from attrs import frozen

from tests.databases import database_of
from tests.e2e.harness.private import PrivatePostgres, server_folder
from user_cli.embedded.account import Account, server_account
from user_cli.embedded.postgres import start_postgres
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_cli.embedded.programs import postgres_programs

_DEADLINE_S = 60.0


@frozen(eq=False)
class Standby:
    """A running replica.

    Args:
        server: itself, which may be frozen and killed.
        primary: whom it follows.
    """

    server: PrivatePostgres
    primary: PrivatePostgres

    def url(self, database_url: str) -> str:
        """Return where the replica has a database of the primary's."""
        return database_of(self.server.url, urlsplit(database_url).path.removeprefix("/"))

    async def pause(self) -> None:
        """Let it receive what the primary writes, and show none of it."""
        await self._say("SELECT pg_wal_replay_pause()")
        await self._say("SELECT pg_is_wal_replay_paused()")

    async def go_on(self) -> None:
        """Let it show again what it receives."""
        await self._say("SELECT pg_wal_replay_resume()")

    async def _say(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.server.url, autocommit=True) as connection:
            await connection.execute(statement.encode())


@asynccontextmanager
async def standby_of(primary: PrivatePostgres) -> AsyncIterator[Standby]:
    """Copy a running primary, let the copy follow it, and stop it at the end."""
    account = server_account()
    with server_folder() as folder:
        await base_backup(primary, folder / "postgres", account, "--write-recovery-conf")
        started = await start_postgres(folder, account, durable=False, ports=free_port)
        server = PrivatePostgres(started.url, started.process, folder, account)
        try:
            yield Standby(server, primary)
        finally:
            await server.drop()


async def base_backup(primary: PrivatePostgres, data: Path, account: Account, *more: str) -> None:
    """Copy a running primary into a folder that is not there yet, with the password file that goes with it.

    Args:
        primary: whose data.
        data: where to.
        account: who the copy belongs to.
        more: arguments.
    """
    programs = postgres_programs(account, data.parent)
    data.mkdir()
    account.own(data, 0o700)
    password = data.parent / "postgres.password"
    password.write_bytes((primary.folder / password.name).read_bytes())
    account.own(password, 0o600)
    copying = Program(
        name="pg_basebackup",
        command=(
            str(programs / "pg_basebackup"),
            *("-D", str(data), "-d", primary.url, "--checkpoint=fast", "--no-sync", *more),
        ),
        folder=data.parent,
        log=data.parent / "basebackup.log",
        account=account,
        ends=((signal.SIGTERM, 5.0),),
        environ={"PATH": os.defpath, "LC_ALL": "C"},
    )
    await ServerProcess.start(copying).finish(_DEADLINE_S)
