"""The cache on a real server: what it keeps, what it must not, and that it is never behind."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator

import pytest
from attrs import evolve
from redis.asyncio import Redis

from tests.builders import a_profile, creation, in_state, update
from tests.redis.backends import Backend, CountingObserver, Service
from usercore.adapters.coalescing import GatheredProfileReader, GroupCommitUserWriter
from usercore.adapters.redis import Cache, CacheDownError, open_cache
from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.link import RedisLink
from usercore.adapters.redis.observer import SilentObserver
from usercore.codec.profile import profile_document
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings
from usercore.users.model import User
from usercore.users.values import AccountState

DEADLINE_S = 30


@pytest.fixture
def observer() -> CountingObserver:
    return CountingObserver()


@pytest.fixture
async def service(cache_settings: CacheSettings, observer: CountingObserver) -> AsyncIterator[Service]:
    async with open_cache(cache_settings, observer) as cache:
        yield Service(cache, Backend())


async def test_the_second_read_is_answered_without_the_database(service: Service, observer: CountingObserver) -> None:
    user = await service.create()
    first = await service.read(user.id)
    await service.settled()
    second = await service.read(user.id)
    assert first == second == {user.id: profile_document(user)}
    assert service.backend.asked == [user.id]
    assert observer.counts == {"miss": 1, "hit": 1}


async def test_the_database_is_asked_for_what_is_missing_alone(service: Service) -> None:
    ada, bob = [await service.create() for _ in range(2)]
    await service.read(ada.id)
    await service.settled()
    service.backend.asked.clear()
    both = await service.read(bob.id, ada.id, UserId("nobody"), ada.id)
    assert both == {one.id: profile_document(one) for one in (ada, bob)}
    assert service.backend.asked == [bob.id, UserId("nobody")]


async def test_every_copy_of_the_service_sees_an_acknowledged_write(
    service: Service, cache_settings: CacheSettings
) -> None:
    async with open_cache(cache_settings) as cache:
        other = Service(cache, Backend(service.backend.database))
        user = await service.create()
        for _ in range(5):
            await other.read(user.id)
            await other.settled()
            user = await service.change(user)
            assert (await other.read(user.id))[user.id] == profile_document(user)


@pytest.mark.parametrize("state", AccountState)
async def test_all_but_the_erased_are_cached(service: Service, state: AccountState) -> None:
    user = await service.commit(in_state(creation(), state))
    for _ in range(2):
        assert (await service.read(user.id))[user.id] == profile_document(user)
        await service.settled()
    assert len(service.backend.asked) == (2 if state is AccountState.ERASED else 1)


async def test_nothing_is_kept_of_users_that_are_not_there(
    service: Service, cache_settings: CacheSettings, server: Redis
) -> None:
    assert await service.read(UserId("nobody")) == {}
    await service.settled()
    assert [key async for key in server.scan_iter(match=f"{cache_settings.namespace}:*")] == []


async def test_the_server_sees_nothing_of_a_profile(
    service: Service, cache_settings: CacheSettings, server: Redis
) -> None:
    user = await service.create(profile=a_profile(first_name="Canarybird", email="canarybird@example.com"))
    await service.read(user.id)
    await service.settled()
    keys = [key async for key in server.scan_iter(match=f"{cache_settings.namespace}:*")]
    values = [await server.get(key) for key in keys]
    assert len(values) == 1
    for seen in (*keys, *values):
        for canary in (b"canarybird", base64.b64encode(b"canarybird")[:12], b"canarybird".hex().encode()):
            assert canary not in bytes(seen).lower()


async def test_a_value_under_another_users_key_is_not_believed_and_is_replaced(
    service: Service, cache_settings: CacheSettings, server: Redis, observer: CountingObserver
) -> None:
    ada, bob = [await service.create() for _ in range(2)]
    await service.read(ada.id, bob.id)
    await service.settled()
    name = f"{cache_settings.namespace}:v:"
    await server.copy(name + ada.id, name + bob.id, replace=True)
    for _ in range(2):
        assert await service.read(bob.id) == {bob.id: profile_document(bob)}
        await service.settled()
    assert observer.counts == {"miss": 3, "unsealed": 1, "hit": 1}


async def test_a_service_with_another_key_reads_right(service: Service, cache_settings: CacheSettings) -> None:
    rotated = evolve(cache_settings, key=Secret(base64.b64encode(bytes(32)).decode()))
    async with open_cache(rotated) as cache:
        other = Service(cache, Backend(service.backend.database))
        user = await service.create()
        for _ in range(3):
            for one in (service, other):
                assert await one.read(user.id) == {user.id: profile_document(user)}
                await one.settled()


async def test_a_profile_is_cached_no_longer_than_it_may_be(
    service: Service, cache_settings: CacheSettings, server: Redis
) -> None:
    user = await service.create()
    await service.read(user.id)
    await service.settled()
    assert 0 < await server.pttl(f"{cache_settings.namespace}:v:{user.id}") <= 60_000
    with pytest.raises(ValueError, match="60 s"):
        Cache(evolve(cache_settings, ttl_s=61), SilentObserver())


class FailingWriter:
    def __init__(self, error: UserCoreError) -> None:
        self.error = error

    async def commit(self, changes: object) -> list[None]:  # noqa: ARG002 -- the port's argument
        raise self.error


@pytest.mark.parametrize(("error", "cached"), [(UnavailableError(), False), (ExhaustedError(), True)])
async def test_a_user_whose_commit_may_yet_happen_is_not_cached(
    service: Service, error: UserCoreError, cached: bool
) -> None:
    """Where nothing was committed for sure, the fence is lifted at once."""
    user = await service.create()
    with pytest.raises(type(error)):
        await service.cache.writer(FailingWriter(error)).commit([update(user, first_name="Ada")])
    for _ in range(2):
        assert await service.read(user.id) == {user.id: profile_document(user)}
        await service.settled()
    assert len(service.backend.asked) == (1 if cached else 2)


async def test_a_refused_change_leaves_the_user_cacheable(service: Service) -> None:
    user = await service.create()
    newer = await service.change(user)
    [refusal] = await service.cache.writer(service.backend).commit([update(user, first_name="Late")])
    assert refusal is not None
    for _ in range(2):
        assert await service.read(user.id) == {user.id: profile_document(newer)}
        await service.settled()
    assert service.backend.asked == [user.id]


async def test_a_commit_whose_caller_is_cancelled_runs_to_its_end(service: Service) -> None:
    user = await service.create()
    await service.read(user.id)
    await service.settled()
    for turns in range(30):
        change = update(user, first_name=f"Turn {turns}")
        task = asyncio.create_task(service.cache.writer(service.backend).commit([change]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await service.cache._writes.aclose()
        user = service.backend.database.users[user.id]
        assert (await service.read(user.id))[user.id] == profile_document(user)
        await service.settled()
        assert (await service.read(user.id))[user.id] == profile_document(user)
    assert user.version > 20


async def test_under_any_mixture_of_readers_and_writers_no_read_is_behind(cache_settings: CacheSettings) -> None:
    """Two copies of the service, each gathering, half of the readers cancelled at a random moment."""
    backend = Backend(most_turns=6)
    acknowledged: dict[UserId, int] = {}
    right = 0

    async def write(service: Service, user: User) -> None:
        async with GroupCommitUserWriter(service.cache.writer(backend)) as writer:
            for _ in range(60):
                change = update(user, first_name=f"Version {user.version + 1}")
                assert list(await writer.commit([change])) == [None]
                user = change.user
                acknowledged[user.id] = user.version
                await asyncio.sleep(random.random() / 500)

    async def read(reader: GatheredProfileReader, user_id: UserId) -> None:
        nonlocal right
        wanted = acknowledged[user_id]
        found = (await reader.documents([user_id]))[user_id]
        assert found.user_id == user_id
        assert user_id.encode() in found.body
        assert found.version >= wanted
        right += 1

    async def read_on(reader: GatheredProfileReader, writers: "list[asyncio.Task[None]]") -> None:
        while not all(one.done() for one in writers):
            tasks = [asyncio.create_task(read(reader, one)) for one in random.choices(list(acknowledged), k=20)]
            for task in tasks[::2]:
                await asyncio.sleep(0)
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome

    async with open_cache(cache_settings) as one, open_cache(cache_settings) as two:
        services = [Service(one, backend), Service(two, backend)]
        users = [await services[0].create() for _ in range(8)]
        acknowledged.update({user.id: user.version for user in users})
        writers = [asyncio.create_task(write(services[at % 2], user)) for at, user in enumerate(users)]
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            for service in services:
                gathered = GatheredProfileReader(service.cache.reader(backend))
                group.create_task(read_on(gathered, writers))
        await asyncio.gather(*writers)
    assert right > 1000
    assert sorted(acknowledged.values()) == [61] * 8
    assert len(backend.asked) < right


async def test_thousands_of_cancelled_reads_never_bring_another_users_data(
    cache_settings: CacheSettings, observer: CountingObserver
) -> None:
    """Each caller asks alone, so each cancellation falls into an exchange with the server."""
    async with open_cache(evolve(cache_settings, timeout_s=DEADLINE_S), observer) as cache:
        service = Service(cache, Backend())
        users = [await service.create() for _ in range(50)]
        await service.read(*(user.id for user in users))
        await service.settled()
        cancelled = 0
        while cancelled < 3000:
            chosen = random.choices(users, k=200)
            tasks = [(user, asyncio.create_task(service.read(user.id))) for user in chosen]
            for _, task in random.sample(tasks, 150):
                await asyncio.sleep(random.choice((0, 0, 0, 0.0001)))
                task.cancel()
            await asyncio.wait([task for _, task in tasks])
            for user, task in tasks:
                if task.cancelled():
                    cancelled += 1
                else:
                    assert task.result() == {user.id: profile_document(user)}
    assert set(observer.counts) == {"miss", "hit"}
    assert observer.counts["miss"] == len(users)


async def test_an_answer_whose_asker_left_is_never_read_by_the_next(
    cache_settings: CacheSettings, server: Redis
) -> None:
    """The same without seals, over one single connection: what the seals would hide is not there."""
    names = [f"{cache_settings.namespace}:{number}" for number in range(20)]
    await server.mset({name: name for name in names})
    link = RedisLink(evolve(cache_settings, pool_size=1, timeout_s=DEADLINE_S), SilentObserver(), Breaker())

    async def ask(name: str) -> bool:
        return await link.exchange(lambda client: client.get(name), name="GET") == name.encode()

    try:
        cancelled = answered = 0
        while cancelled < 3000:
            tasks = [asyncio.create_task(ask(random.choice(names))) for _ in range(100)]
            for task in random.sample(tasks, 70):
                await asyncio.sleep(random.choice((0, 0, 0.0001)))
                task.cancel()
            await asyncio.wait(tasks)
            cancelled += sum(task.cancelled() for task in tasks)
            assert all(task.cancelled() or task.result() for task in tasks)
            answered += sum(not task.cancelled() for task in tasks)
        assert answered > 500
    finally:
        await link.aclose()


async def test_a_cache_with_no_server_is_bypassed_and_writes_go_on(
    cache_settings: CacheSettings, observer: CountingObserver, unused_tcp_port: int
) -> None:
    nowhere = evolve(cache_settings, url=Secret(f"redis://127.0.0.1:{unused_tcp_port}/0"))
    async with open_cache(nowhere, observer) as cache:
        service = Service(cache, Backend())
        user = await service.create()
        for _ in range(5):
            user = await service.change(user)
            assert await service.read(user.id) == {user.id: profile_document(user)}
        with pytest.raises(CacheDownError):
            await cache.ping()
        assert set(observer.counts) == {"bypass", "error"}
        assert observer.counts["bypass"] == 5


async def test_ping_passes_and_the_pool_is_told_of(service: Service, cache_settings: CacheSettings) -> None:
    await service.cache.ping()
    assert service.cache.pool_use() == (cache_settings.pool_size, 0)


async def test_what_went_past_the_writer_can_be_deleted_by_hand(service: Service) -> None:
    user = await service.create()
    await service.read(user.id)
    await service.settled()
    await service.cache.invalidate([user.id])
    await service.read(user.id)
    assert service.backend.asked == [user.id, user.id]
