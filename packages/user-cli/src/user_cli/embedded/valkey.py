"""An embedded Valkey: a cache that keeps nothing, so that it never holds what the database no longer says."""

import asyncio
import secrets
import signal
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen
from redis.asyncio import Redis
from redis.exceptions import RedisError

from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, start_on_free_port
from user_cli.embedded.programs import valkey_program

__all__ = ["Valkey", "start_valkey"]

_READY_DEADLINE_S = 20.0
_MAX_MEMORY = "256mb"


@frozen
class Valkey:
    """A Valkey that answers.

    Args:
        process: the server, or the guard that stays beside it.
        url: ``redis://…`` of its database 0.
    """

    process: ServerProcess
    url: str = field(repr=False)


async def start_valkey(folder: Path, account: Account, *, ports: Callable[[], int]) -> Valkey:
    """Start the server, empty.

    Args:
        folder: of the embedded servers, open to `account`.
        account: who the server runs as.
        ports: gives a port to try; asked again when somebody else was quicker to take it.

    Raises:
        EmbeddedServerError: when it cannot be started.
    """
    server = await asyncio.to_thread(valkey_program, account, folder)
    password = secrets.token_urlsafe(24)
    process, port = await start_on_free_port(
        lambda port: _program(server, folder, account, _configure(folder, account, port, password)),
        lambda port: _answers(_url(port, password)),
        ports,
        _READY_DEADLINE_S,
    )
    return Valkey(process, _url(port, password))


def _url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _configure(folder: Path, account: Account, port: int, password: str) -> Path:
    """Write the settings into a file: arguments, with the password, would show in every list of processes."""
    path = folder / "valkey.conf"
    path.touch()
    account.own(path, 0o600)
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        'save ""',
        "appendonly no",
        f"maxmemory {_MAX_MEMORY}",
        "maxmemory-policy allkeys-lru",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _program(server: Path, folder: Path, account: Account, settings: Path) -> Program:
    return Program(
        name="the embedded Valkey",
        command=(str(server), str(settings)),
        folder=folder,
        log=folder / "valkey.log",
        account=account,
        ends=((signal.SIGTERM, 5.0),),
    )


async def _answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(await client.ping())
    except RedisError:
        return False
    finally:
        await client.aclose()
