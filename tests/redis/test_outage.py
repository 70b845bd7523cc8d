"""The cache's server killed, restarted, frozen and cut off under load: reads stay right and writes go on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from attrs import define, evolve, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.builders import update
from tests.redis.backends import Backend, CountingObserver, Service
from tests.redis.wire import wire_to
from user_cli.embedded.account import Account
from user_cli.embedded.process import Program, ServerProcess, free_port
from user_cli.embedded.programs import valkey_program
from usercore.adapters.coalescing import GatheredProfileReader, GroupCommitUserWriter
from usercore.adapters.redis import CacheDownError, open_cache
from usercore.codec.profile import profile_document
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings
from usercore.users.model import User

pytestmark = pytest.mark.embedded

DEADLINE_S = 30


@define
class OwnServer:
    """A server that a test may do anything to, on a port of its own."""

    folder: Path
    port: int = field(factory=free_port)
    process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        server = valkey_program(Account(), self.folder)
        command = (str(server), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "")
        end = (signal.SIGTERM, 5.0)
        program = Program("Valkey", command, self.folder, self.folder / "log", Account(), ends=(end,))
        self.process = ServerProcess.start(program)
        await self.process.until_ready(self._answers, DEADLINE_S)

    async def _answers(self) -> bool:
        async with Redis.from_url(self.url, protocol=2) as client:
            try:
                return bool(await client.ping())
            except RedisError:
                return False

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.process is not None
        await self.process.stop()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[OwnServer]:
    server = OwnServer(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
def observer() -> CountingObserver:
    return CountingObserver()


@pytest.fixture
async def service(
    own_server: OwnServer, cache_settings: CacheSettings, observer: CountingObserver
) -> AsyncIterator[Service]:
    settings = evolve(cache_settings, url=Secret(own_server.url), timeout_s=0.25)
    async with open_cache(settings, observer, fence_ttl_s=1.0) as cache:
        yield Service(cache, Backend(most_turns=3))


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 -- nothing tells of it
        await asyncio.sleep(0.01)


@define
class Load:
    """Writers and readers without rest, each read held against what was acknowledged before it began."""

    service: Service
    acknowledged: dict[UserId, int] = field(factory=dict)
    writes: int = 0
    reads: int = 0
    _over: bool = False

    async def write(self, writer: GroupCommitUserWriter, user: User) -> None:
        while not self._over:
            change = update(user, first_name=f"Version {user.version + 1}")
            assert list(await writer.commit([change])) == [None]
            user = change.user
            self.acknowledged[user.id] = user.version
            self.writes += 1
            await asyncio.sleep(0.002)

    async def read(self, reader: GatheredProfileReader, user_id: UserId) -> None:
        while not self._over:
            wanted = self.acknowledged[user_id]
            found = (await reader.documents([user_id]))[user_id]
            assert found.user_id == user_id
            assert found.version >= wanted
            self.reads += 1
            await asyncio.sleep(0)

    async def goes_on(self) -> None:
        """Wait until a good number of reads and writes have been answered from now on."""
        writes, reads = self.writes + 50, self.reads + 200
        await until(lambda: self.writes >= writes and self.reads >= reads)

    async def during(self, story: Callable[["Load"], Awaitable[None]]) -> None:
        """Run the load until the story is told."""
        backend = self.service.backend
        users = [await self.service.create() for _ in range(8)]
        self.acknowledged.update({user.id: user.version for user in users})
        async with (
            asyncio.timeout(DEADLINE_S),
            GatheredProfileReader(self.service.cache.reader(backend)) as reader,
            GroupCommitUserWriter(self.service.cache.writer(backend)) as writer,
            asyncio.TaskGroup() as group,
        ):
            for user in users[:4]:
                group.create_task(self.write(writer, user))
            for user_id in list(self.acknowledged) * 3:
                group.create_task(self.read(reader, user_id))
            await story(self)
            self._over = True


async def test_killed_and_restarted_under_load(
    own_server: OwnServer, service: Service, observer: CountingObserver
) -> None:
    async def story(load: Load) -> None:
        for _ in range(3):
            hits = observer.counts["hit"]
            await until(lambda: observer.counts["hit"] > hits + 200)  # noqa: B023 -- awaited at once
            await own_server.kill()
            bypasses = observer.counts["bypass"]
            await load.goes_on()
            assert observer.counts["bypass"] > bypasses
            with pytest.raises(CacheDownError):
                await service.cache.ping()
            await own_server.start()
        hits = observer.counts["hit"]
        await until(lambda: observer.counts["hit"] > hits + 200)

    await Load(service).during(story)


async def test_frozen_and_thawed_under_load(
    own_server: OwnServer, service: Service, observer: CountingObserver
) -> None:
    async def story(load: Load) -> None:
        for _ in range(2):
            hits = observer.counts["hit"]
            await until(lambda: observer.counts["hit"] > hits + 200)  # noqa: B023 -- awaited at once
            own_server.send(signal.SIGSTOP)
            try:
                await load.goes_on()
            finally:
                own_server.send(signal.SIGCONT)
        hits = observer.counts["hit"]
        await until(lambda: observer.counts["hit"] > hits + 200)

    await Load(service).during(story)


async def test_what_a_server_out_of_reach_still_holds_is_deleted_before_it_is_used_again(
    redis_url: str, cache_settings: CacheSettings, server: Redis, observer: CountingObserver
) -> None:
    async with wire_to(redis_url) as (wire, url):
        settings = evolve(cache_settings, url=Secret(url), timeout_s=0.25)
        async with open_cache(settings, observer) as cache:
            service = Service(cache, Backend())
            users = [await service.create() for _ in range(3)]
            await service.read(*(user.id for user in users))
            await service.settled()
            wire.cut()
            users[:2] = [await service.change(user) for user in users[:2]]
            current = {user.id: profile_document(user) for user in users}
            assert await service.read(*current) == current
            held = [await server.exists(f"{settings.namespace}:v:{user_id}") for user_id in current]
            assert held == [1, 1, 1]
            await wire.mend()
            observer.counts.clear()
            async with asyncio.timeout(DEADLINE_S):
                while not observer.counts["hit"]:
                    assert await service.read(*current) == current
                    await asyncio.sleep(0.01)
    # The third was not written: what is held of it is still true, and was found.
    assert observer.counts["hit"] == 1


async def test_cut_off_and_joined_again_under_load(
    redis_url: str, cache_settings: CacheSettings, observer: CountingObserver
) -> None:
    async with wire_to(redis_url) as (wire, url):
        settings = evolve(cache_settings, url=Secret(url), timeout_s=0.25)

        async def story(load: Load) -> None:
            for _ in range(3):
                hits = observer.counts["hit"]
                await until(lambda: observer.counts["hit"] > hits + 200)  # noqa: B023 -- awaited at once
                wire.cut()
                await load.goes_on()
                await wire.mend()
            hits = observer.counts["hit"]
            await until(lambda: observer.counts["hit"] > hits + 200)

        async with open_cache(settings, observer, fence_ttl_s=1.0) as cache:
            await Load(Service(cache, Backend(most_turns=3))).during(story)
