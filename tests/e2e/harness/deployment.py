"""A whole deployment: a copy that serves, a stream processor that publishes, and both tell the services around them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import field, frozen

from tests.e2e.harness.copies import Copy, World, running_copies
from tests.stream.harness.wire import Wire, open_wire
from tests.stream.harness.world import Worker, running_worker
from tests.stream.harness.world import World as StreamWorld


@frozen
class Deployment:
    """Both, with the topics between them and others.

    Args:
        world: database, cache and keys.
        copy: serves HTTP.
        worker: consumes and publishes.
        wire: the topics, seen from outside.
        settings: variables of both, without ``USER_SERVICE_``.
    """

    world: World
    copy: Copy
    worker: Worker
    wire: Wire
    settings: Mapping[str, str] = field(repr=False)

    @property
    def ledger(self) -> Path:
        """Where erasures are written down."""
        return Path(self.settings["ERASURE_LEDGER_FILE"])

    def logs(self) -> str:
        """Return all that both have logged."""
        return "\n".join(log.read_text(encoding="utf-8") for log in (self.copy.log, self.worker.log))

    async def userctl(self, *arguments: str) -> tuple[int, str]:
        """Run a command of an operator, and return its exit status and what it wrote."""
        environ = self.world.environ(**self.settings) | {"USERCTL_OPERATOR": "ada"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "user_cli", *arguments),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            written, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, written.decode()


@asynccontextmanager
async def deployed(world: World, bootstrap: str, **settings: str) -> AsyncIterator[Deployment]:
    """Start a deployment, and stop it at the end.

    Args:
        world: what it works on.
        bootstrap: of the broker.
        settings: variables of every process, without ``USER_SERVICE_``.
    """
    both = {"ERASURE_LEDGER_FILE": str(world.folder / "erasures.jsonl"), "LOG_LEVEL": "debug", **settings}
    stream = StreamWorld(world.database_url, bootstrap, world.folder)
    async with (
        running_copies(world, 1, **both) as [copy],
        running_worker(stream, **both) as worker,
        open_wire(stream) as wire,
    ):
        yield Deployment(world, copy, worker, wire, both)
