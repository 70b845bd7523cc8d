"""An embedded PostgreSQL: made once per data folder, started on a free port, recovered after a kill."""

import asyncio
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
from attrs import field, frozen

from user_cli.embedded.account import Account
from user_cli.embedded.errors import EmbeddedServerError
from user_cli.embedded.process import Program, ServerProcess, start_on_free_port
from user_cli.embedded.programs import postgres_programs

__all__ = ["DATABASE", "Postgres", "start_postgres"]

DATABASE = "users"
_SUPERUSER = "postgres"
_INIT_DEADLINE_S = 120.0
_READY_DEADLINE_S = 60.0
_LEFTOVER_DEADLINE_S = 30.0

# SIGINT rolls back what runs and writes everything down; SIGQUIT leaves that to the next start's recovery.
# Source: PostgreSQL 18 documentation, "Shutting Down the Server".
_ENDS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Neither a statement nor a row's values reach the log: they hold personal data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@frozen
class Postgres:
    """A PostgreSQL that answers.

    Args:
        process: the postmaster, or the guard that stays beside it.
        url: ``postgresql://…`` of the database `DATABASE`.
    """

    process: ServerProcess
    url: str = field(repr=False)


async def start_postgres(folder: Path, account: Account, *, durable: bool, ports: Callable[[], int]) -> Postgres:
    """Start the server over `folder`, and make its data and database at the first start.

    Args:
        folder: of the embedded servers, open to `account` and locked by us.
        account: who the server runs as.
        durable: False lets a crash of the machine lose or break everything; for data that nobody keeps.
        ports: gives a port to try; asked again when somebody else was quicker to take it.

    Raises:
        EmbeddedServerError: when it cannot be made or started.
    """
    programs = await asyncio.to_thread(postgres_programs, account, folder)
    data = folder / "postgres"
    if not data.exists():
        await _make(data, programs, account)
    await _clear_leftovers(data)
    password = _read_password(folder)
    process, port = await start_on_free_port(
        lambda port: _server(data, programs, account, port, durable=durable),
        lambda port: _has_database(port, password),
        ports,
        _READY_DEADLINE_S,
    )
    return Postgres(process, f"postgresql://{_SUPERUSER}:{quote(password)}@127.0.0.1:{port}/{DATABASE}")


async def _make(data: Path, programs: Path, account: Account) -> None:
    """Make the data folder under another name first: one that is there is whole."""
    unfinished = data.with_name("postgres.unfinished")
    await _clear_leftovers(unfinished)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    account.own(unfinished, 0o700)
    password = _password_file(data.parent)
    password.write_text(secrets.token_urlsafe(24), encoding="ascii")
    account.own(password, 0o600)
    program = Program(
        name="PostgreSQL's initdb",
        command=(
            str(programs / "initdb"),
            *("-D", str(unfinished), "-U", _SUPERUSER, "-A", "scram-sha-256", f"--pwfile={password}"),
            # PostgreSQL's own locale: text sorts and folds alike on every system.
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--no-instructions",
        ),
        folder=data.parent,
        log=data.parent / "initdb.log",
        account=account,
        ends=((signal.SIGTERM, 5.0),),
    )
    await ServerProcess.start(program).finish(_INIT_DEADLINE_S)
    unfinished.rename(data)


def _server(data: Path, programs: Path, account: Account, port: int, *, durable: bool) -> Program:
    settings = _SETTINGS | ({} if durable else _NOT_DURABLE)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="the embedded PostgreSQL",
        command=(str(programs / "postgres"), "-D", str(data), "-p", str(port), *options),
        folder=data.parent,
        log=data.parent / "postgres.log",
        account=account,
        ends=_ENDS,
    )


async def _clear_leftovers(data: Path) -> None:
    """Wait for a server whose parent was killed to end, and drop the lock file of one that could not.

    We hold the folder's lock, so nobody but such a server uses the data. PostgreSQL itself takes a lock file whose
    process id was given to another process meanwhile (usual in containers) for a running server and refuses.
    """
    lock = data / "postmaster.pid"
    limit = time.monotonic() + _LEFTOVER_DEADLINE_S
    while users := _users_of(data, lock):
        if time.monotonic() > limit:
            raise EmbeddedServerError(
                f"a PostgreSQL of an earlier run still uses {data} (process {users[0]}): end it and start again"
            )
        await asyncio.sleep(0.05)
    lock.unlink(missing_ok=True)


def _users_of(data: Path, lock: Path) -> list[int]:
    """List the processes that work in `data`: PostgreSQL's go there when they start."""
    processes = Path("/proc")
    if processes.is_dir():
        return [int(entry.name) for entry in processes.iterdir() if entry.name.isdigit() and _in(entry, data)]
    try:
        pid = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return []
    return [pid]


def _in(process: Path, data: Path) -> bool:
    try:
        return (process / "cwd").readlink() == data.resolve()
    except OSError:
        return False


def _password_file(folder: Path) -> Path:
    return folder / "postgres.password"


def _read_password(folder: Path) -> str:
    path = _password_file(folder)
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise EmbeddedServerError(
            f"the password of the embedded PostgreSQL cannot be read from {path}: "
            "put the file back, or name another data folder"
        ) from error


async def _has_database(port: int, password: str) -> bool:
    """Say whether the server answers, and make our database when it is new."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            host="127.0.0.1",
            port=port,
            user=_SUPERUSER,
            password=password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )
    except psycopg.OperationalError:
        return False
    async with connection:
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if await found.fetchone() is None:
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    return True
