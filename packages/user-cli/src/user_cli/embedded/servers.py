"""The embedded servers of one data folder, together."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from attrs import field, frozen

from user_cli.embedded.account import Account, server_account
from user_cli.embedded.errors import EmbeddedServerError
from user_cli.embedded.kafka import start_kafka
from user_cli.embedded.memory import memory_folder
from user_cli.embedded.postgres import start_postgres
from user_cli.embedded.process import ServerProcess, free_port
from user_cli.embedded.valkey import start_valkey

__all__ = ["EmbeddedServers", "embedded_servers"]


@frozen
class EmbeddedServers:
    """Servers that answer.

    Args:
        database_url: ``postgresql://…``, with its password.
        redis_url: ``redis://…``, with its password.
        kafka_bootstrap: ``host:port`` of the broker; None where none was asked for.
        folder: where their data and logs are. As root, not always the folder that was asked for.
        pids: process ids of those that were started.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    kafka_bootstrap: str | None
    folder: Path
    pids: tuple[int, ...]


@asynccontextmanager
async def embedded_servers(
    data_dir: Path | None,
    *,
    database_url: str | None = None,
    redis_url: str | None = None,
    kafka: bool = False,
    kafka_bootstrap: str | None = None,
    durable: bool = True,
    ports: Callable[[], int] = free_port,
) -> AsyncIterator[EmbeddedServers]:
    """Start PostgreSQL, Valkey and, where it is asked for, a Kafka broker; stop them at the end.

    Args:
        data_dir: keeps PostgreSQL's data over restarts; None for a temporary folder that goes with the servers.
        database_url: a PostgreSQL that is there already, passed through; none is started then.
        redis_url: a Redis or Valkey that is there already, passed through; none is started then.
        kafka: True asks for a broker. The embedded one is for development and tests, and forgets everything when
            it stops.
        kafka_bootstrap: a broker that is there already, passed through; none is started then.
        durable: False makes PostgreSQL faster and forgetful, for tests; a folder of our own then stands in memory where
            there is room.
        ports: gives ports to try.

    Raises:
        EmbeddedServerError: with what to do, when a server cannot be started.
    """
    account = server_account()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder(data_dir, account, durable=durable))
        stack.enter_context(_lock(folder))
        processes: list[ServerProcess] = []
        if database_url is None:
            postgres = await start_postgres(folder, account, durable=durable, ports=ports)
            stack.push_async_callback(postgres.process.stop)
            processes.append(postgres.process)
            database_url = postgres.url
        if redis_url is None:
            valkey = await start_valkey(folder, account, ports=ports)
            stack.push_async_callback(valkey.process.stop)
            processes.append(valkey.process)
            redis_url = valkey.url
        if kafka and kafka_bootstrap is None:
            broker = await start_kafka(folder, account, ports=ports)
            stack.push_async_callback(broker.process.stop)
            processes.append(broker.process)
            kafka_bootstrap = broker.bootstrap
        pids = tuple(process.pid for process in processes)
        yield EmbeddedServers(database_url, redis_url, kafka_bootstrap, folder, pids)


@contextmanager
def _folder(data_dir: Path | None, account: Account, *, durable: bool) -> Iterator[Path]:
    if data_dir is not None:
        yield account.reachable_folder(data_dir)
        return
    folder = Path(tempfile.mkdtemp(prefix="user-service-", dir=None if durable else memory_folder()))
    folder.chmod(0o711)
    try:
        if not account.may_enter(folder):
            raise EmbeddedServerError(
                f"the account that the servers run as cannot enter {folder}: set TMPDIR to a folder open to all"
            )
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it when we die."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise EmbeddedServerError(
                f"the data folder {folder} is in use by process {holder}: end that one, or name another folder"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
