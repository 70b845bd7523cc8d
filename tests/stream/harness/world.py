"""A database and a deployment's topics on a broker, and stream processors over both: tasks or processes."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until, until_so
from tests.keys import MASTER_KEYS_SETTING
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_stream.app import Stream, run_stream
from usercore.settings import CoreSettings, KafkaSettings, StreamSettings, load

REAL: Final = os.environ.get("KAFKA_IS_APACHE") == "1" or bool(os.environ.get("KAFKA_BOOTSTRAP"))
"""Whether the broker is an Apache Kafka."""
SESSION_S: Final = 6 if REAL else 2
"""The shortest session that the broker takes: joining a group takes half of it on the embedded one."""
_COMMAND: Final = (sys.executable, "-P", "-m", "user_stream")
_READY_DEADLINE_S: Final = 60.0


@frozen
class World:
    """What stream processors of one deployment share.

    Args:
        database_url: migrated.
        bootstrap: of the broker.
        folder: for logs and records.
        prefix: begins the names of its topics and of its group.
        group_name: of the consumer group, behind the prefix.
    """

    database_url: str = field(repr=False)
    bootstrap: str
    folder: Path
    prefix: str = field(factory=lambda: f"t{secrets.token_hex(4)}.")
    group_name: str = "user-service"

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of a processor; names in `more` are without ``USER_SERVICE_``."""
        found = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "DATABASE_URL": self.database_url,
            "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "USER_SERVICE_KAFKA_IDEMPOTENT": "true" if REAL else "false",
            "USER_SERVICE_TOPIC_PREFIX": self.prefix,
            "USER_SERVICE_TOPIC_PARTITIONS": "3",
            "USER_SERVICE_STREAM_GROUP": self.group_name,
            "USER_SERVICE_STREAM_SESSION_TIMEOUT_S": str(SESSION_S),
            "USER_SERVICE_STREAM_LISTEN_PORT": "0",
            "USER_SERVICE_PARKED_INTERVAL_S": "0.2",
            "USER_SERVICE_RELAY_POLL_S": "0.1",
            "USER_SERVICE_LOG_FORMAT": "json",
            "USER_SERVICE_DELIVERY_INTERVAL_S": "0.2",
            "USER_SERVICE_DELIVERY_RECORD_FILE": str(self.folder / "deliveries.jsonl"),
        }
        return found | {f"USER_SERVICE_{name}": value for name, value in more.items()}

    @property
    def kafka(self) -> KafkaSettings:
        """Where the broker is."""
        return load(KafkaSettings, self.environ())

    @property
    def group(self) -> str:
        """The name of the consumer group, as the broker knows it."""
        return self.prefix + self.group_name

    async def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return await rows(self.database_url, query, *parameters)


@frozen
class Running:
    """A stream processor that runs as a task of this process."""

    stream: Stream
    task: "asyncio.Task[None]"

    async def stop(self) -> None:
        """Stop it as SIGTERM does, and raise what it raises."""
        self.stream.stopping.set()
        await self.task


@asynccontextmanager
async def running_stream(world: World, **settings: str) -> AsyncIterator[Running]:
    """Run a stream processor in this process, give it once it consumes, and stop it at the end.

    Args:
        world: whose messages it consumes.
        settings: variables of its own, without ``USER_SERVICE_``.
    """
    environ = world.environ(**settings)
    stream = Stream()
    task = asyncio.create_task(run_stream(load(CoreSettings, environ), load(StreamSettings, environ), stream))
    started = asyncio.create_task(stream.started.wait())
    try:
        await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED, timeout=_READY_DEADLINE_S)
        if task.done():
            task.result()
        assert stream.started.is_set(), "the stream processor does not start"
        yield Running(stream, task)
    finally:
        started.cancel()
        stream.stopping.set()
        await asyncio.wait({task}, timeout=_READY_DEADLINE_S)
        if task.done() and not task.cancelled():
            task.exception()  # a test that wants it has asked for it


@frozen(eq=False)
class Worker:
    """A stream processor that runs as a process.

    Args:
        port: where its health is served, on 127.0.0.1.
        process: itself.
        log: all that it wrote.
    """

    port: int
    process: ServerProcess
    log: Path

    @classmethod
    def start(cls, world: World, **settings: str) -> "Worker":
        """Start one without waiting for it; see :func:`started_worker`."""
        port = free_port()
        log = world.folder / f"worker-{secrets.token_hex(4)}.log"
        program = Program(
            name="a stream processor",
            command=_COMMAND,
            folder=world.folder,
            log=log,
            account=Account(),
            ends=((signal.SIGTERM, 30.0),),
            environ=world.environ(STREAM_LISTEN_PORT=str(port), **settings),
        )
        return cls(port, ServerProcess.start(program), log)

    async def consuming(self) -> None:
        """Wait until it says that it consumes."""
        await self.saying('"event": "consuming"')

    async def answering(self) -> None:
        """Wait until it serves its health."""
        await until(self._listens, "the worker serves its health", _READY_DEADLINE_S)

    async def _listens(self) -> bool:
        assert self.process.running, self.log.read_text(encoding="utf-8")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def saying(self, words: str) -> None:
        """Wait until its log has these words."""

        async def says_so() -> bool:
            assert self.process.running, self.log.read_text(encoding="utf-8")
            return words in self.log.read_text(encoding="utf-8")

        await until(says_so, f"the worker says {words}", _READY_DEADLINE_S)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    async def ended(self, deadline_s: float = 60.0) -> int:
        """Wait until it has ended, and return its exit status."""
        await until_so(lambda: not self.process.running, "the worker has ended", deadline_s)
        status = self.process._child.returncode
        assert status is not None
        return status


@asynccontextmanager
async def running_worker(world: World, **settings: str) -> AsyncIterator[Worker]:
    """Start a stream processor as a process, give it once it consumes, and stop it at the end."""
    worker = Worker.start(world, **settings)
    try:
        await worker.consuming()
        yield worker
    finally:
        await worker.process.stop()
