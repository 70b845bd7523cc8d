"""Copies of the service: real processes on real servers, each with its own log."""

import asyncio
import base64
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from attrs import field, frozen

from tests.e2e.harness.private import PrivateValkey
from tests.e2e.harness.tokens import AUDIENCE, ISSUER, Signer
from tests.e2e.harness.waiting import until_so
from tests.e2e.harness.wire import Client, UnansweredError
from tests.keys import MASTER_KEYS_SETTING
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, free_port, start_on_free_port

_COMMAND: Final = (sys.executable, "-P", "-m", "user_http")
_READY_DEADLINE_S: Final = 60.0
SERVICE_SCOPES: Final = ("users:read", "users:write")
"""What a service has, whose reads are recorded nowhere."""
ALL_SCOPES: Final = ("users:read", "users:write", "users:admin", "privacy:manage", "audit:read")


@frozen
class World:
    """What copies of one service share: servers, keys, and where they write.

    Args:
        database_url: migrated.
        redis_url: None for none.
        folder: for logs and records.
        signer: issues the tokens that copies believe.
    """

    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    folder: Path
    signer: Signer
    cache_key: str = field(factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode(), init=False, repr=False)
    namespace: str = field(factory=lambda: f"e2e-{secrets.token_hex(8)}", init=False)

    @property
    def record_file(self) -> Path:
        """Where deliveries are recorded."""
        return self.folder / "deliveries.jsonl"

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of a copy; names in `more` are without ``USER_SERVICE_``."""
        found = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "DATABASE_URL": self.database_url,
            "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
            "USER_SERVICE_TOKEN_ISSUER": ISSUER,
            "USER_SERVICE_TOKEN_AUDIENCE": AUDIENCE,
            "USER_SERVICE_TOKEN_KEY_FILE": str(self.signer.key_file),
            "USER_SERVICE_LOG_FORMAT": "json",
            "USER_SERVICE_DELIVERY_INTERVAL_S": "0.1",
            "USER_SERVICE_DELIVERY_RECORD_FILE": str(self.record_file),
        }
        if self.redis_url is not None:
            found |= {
                "REDIS_URL": self.redis_url,
                "USER_SERVICE_CACHE_KEY": self.cache_key,
                "USER_SERVICE_CACHE_NAMESPACE": self.namespace,
            }
        return found | {f"USER_SERVICE_{name}": value for name, value in more.items()}


@frozen(eq=False)
class Copy:
    """A running copy.

    Args:
        port: of 127.0.0.1.
        world: what it shares with the others.
        process: itself.
        log: all that it wrote to standard output and standard error.
    """

    port: int
    world: World
    process: ServerProcess
    log: Path

    def client(self, *scopes: str, subject: str = "e2e-tests") -> Client:
        """Return a client with a token; that of a service unless scopes are given."""
        return Client(self.port, self.world.signer.token(*(scopes or SERVICE_SCOPES), subject=subject))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit status.

        Raises:
            AssertionError: it does not end.
        """
        await until_so(lambda: not self.process.running, "the copy has ended")
        status = self.process._child.returncode
        assert status is not None
        return status

    async def killed(self) -> None:
        """Kill it, as the kernel does when memory runs out."""
        self.signal(signal.SIGKILL)
        await self.ended()


@asynccontextmanager
async def running_copies(
    world: World, count: int = 1, *, python_path: str | None = None, **settings: str
) -> AsyncIterator[list[Copy]]:
    """Start copies side by side, wait until they are ready, and stop at the end those that still run.

    Args:
        world: what they share.
        count: how many.
        python_path: packages to run in place of those that are installed.
        settings: variables of theirs, without ``USER_SERVICE_``.
    """
    async with AsyncExitStack() as stack:
        started = await asyncio.gather(*(_start(world, settings, python_path) for _ in range(count)))
        for copy in started:
            stack.push_async_callback(copy.process.stop)
        yield list(started)


async def _start(world: World, settings: Mapping[str, str], python_path: str | None) -> Copy:
    log = world.folder / f"copy-{secrets.token_hex(4)}.log"
    path = {} if python_path is None else {"PYTHONPATH": python_path}

    def program(port: int) -> Program:
        return Program(
            name="a copy of the service",
            command=_COMMAND,
            folder=world.folder,
            log=log,
            account=Account(),
            ends=((signal.SIGTERM, 10.0),),
            environ=world.environ(LISTEN_PORT=str(port), **settings) | path,
        )

    process, port = await start_on_free_port(program, is_ready, free_port, _READY_DEADLINE_S)
    return Copy(port, world, process, log)


@frozen
class CachePair:
    """Two copies, and the Valkey that only they use."""

    valkey: PrivateValkey
    first: Copy
    second: Copy


async def is_ready(port: int) -> bool:
    """Whether a copy says that it can serve."""
    try:
        async with Client(port, None) as client:
            return (await client.get("/health/ready")).status == 200
    except (OSError, UnansweredError, TimeoutError):
        return False
