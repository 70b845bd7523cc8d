"""Servers of one test's own, which it may freeze, kill and start again."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from attrs import define, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.e2e.harness.waiting import until, until_so
from user_cli.embedded.account import Account, server_account
from user_cli.embedded.memory import memory_folder
from user_cli.embedded.postgres import start_postgres
from user_cli.embedded.process import ServerProcess, free_port
from user_cli.embedded.valkey import start_valkey


@contextmanager
def server_folder() -> Iterator[Path]:
    """Give a folder that the servers' account can enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="e2e-servers-", dir=memory_folder()))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _kill(process: ServerProcess) -> None:
    os.kill(process.pid, signal.SIGKILL)
    await _until_ended(process)


async def _until_ended(process: ServerProcess) -> None:
    await until_so(lambda: not process.running, "the server has ended")


@define(eq=False)
class PrivateValkey:
    """A Valkey that may be killed. It keeps nothing over that."""

    url: str = field(repr=False)
    process: ServerProcess

    async def freeze(self) -> None:
        """Stop it where it stands: connections stay open and nothing answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    async def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """End it at once."""
        await _kill(self.process)

    async def restart(self) -> None:
        """Start it again, empty, at the same address, and wait until it answers."""
        self.process = ServerProcess.start(self.process.program)
        await until(self._answers, "Valkey answers")

    async def _answers(self) -> bool:
        async with Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(await client.ping())
            except RedisError:
                return False


@asynccontextmanager
async def private_valkey() -> AsyncIterator[PrivateValkey]:
    """Start a Valkey, and stop it at the end."""
    with server_folder() as folder:
        started = await start_valkey(folder, server_account(), ports=free_port)
        server = PrivateValkey(started.url, started.process)
        try:
            yield server
        finally:
            await server.process.stop()


@define(eq=False)
class PrivatePostgres:
    """A PostgreSQL that may be frozen and killed. Its data outlives both."""

    url: str = field(repr=False)
    process: ServerProcess
    folder: Path
    account: Account

    async def freeze(self) -> None:
        """Stop every process of it where it stands: connections stay open and nothing answers."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    async def thaw(self) -> None:
        """Let every process go on."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    async def kill(self) -> None:
        """End the server at once; its children follow."""
        await _kill(self.process)

    async def restart(self) -> None:
        """Start it again on its data, at the same address, and wait until it answers."""
        port = urlsplit(self.url).port
        assert port is not None
        again = await start_postgres(self.folder, self.account, durable=False, ports=lambda: port)
        assert again.url == self.url
        self.process = again.process

    async def drop(self) -> None:
        """End it and its children without caring for its data."""
        if self.process.running:
            await self.thaw()
            os.kill(self.process.pid, signal.SIGQUIT)
            await _until_ended(self.process)

    def _pids(self) -> list[int]:
        """Return the server and its children, each of which leads a session of its own."""
        parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        return [self.process.pid, *(pid for pid, parent in parents.items() if parent == self.process.pid)]


def _parent(entry: Path) -> int:
    try:
        # After the program's name, which stands in parentheses and may hold anything: state, parent. Source: proc(5).
        return int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


@asynccontextmanager
async def private_postgres() -> AsyncIterator[PrivatePostgres]:
    """Start a PostgreSQL, and stop it at the end."""
    account = server_account()
    with server_folder() as folder:
        started = await start_postgres(folder, account, durable=False, ports=free_port)
        server = PrivatePostgres(started.url, started.process, folder, account)
        try:
            yield server
        finally:
            await server.drop()
