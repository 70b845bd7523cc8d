"""Values that could not be deleted in time are not used, and are deleted as soon as that is possible."""

import asyncio
from collections.abc import Sequence

from attrs import define, field

from usercore.adapters.redis.debts import MOST_OWED, OwedInvalidations
from usercore.adapters.redis.steps import CacheDownError
from usercore.kernel.ids import UserId

ADA, BOB = UserId("ada"), UserId("bob")
DEADLINE_S = 10
STALE_S = 60.0


@define
class Server:
    """Deletes values when it is up; holds the deletion while the gate is closed."""

    up: bool = False
    gate: asyncio.Event = field(factory=asyncio.Event)
    asked: asyncio.Event = field(factory=asyncio.Event)
    deleted: list[list[UserId]] = field(factory=list)
    now: float = 100.0

    async def __call__(self, ids: Sequence[UserId]) -> None:
        self.asked.set()
        if not self.up:
            raise CacheDownError
        await self.gate.wait()
        self.deleted.append(list(ids))


def debts(server: Server) -> OwedInvalidations:
    return OwedInvalidations(server, STALE_S, lambda: server.now)


async def until_paid(owed: OwedInvalidations) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while owed:  # noqa: ASYNC110 -- nothing tells when a debt is paid
            await asyncio.sleep(0.01)


async def test_without_debts_the_cache_is_used() -> None:
    assert not debts(Server())


async def test_it_is_not_used_until_the_values_are_deleted() -> None:
    server = Server()
    owed = debts(server)
    owed.owe([ADA, BOB])
    assert owed
    await server.asked.wait()
    assert owed
    server.up = True
    server.gate.set()
    await until_paid(owed)
    assert server.deleted == [[ADA, BOB]]


async def test_a_debt_made_while_an_older_one_is_paid_is_paid_too() -> None:
    server = Server(up=True)
    owed = debts(server)
    owed.owe([ADA, BOB])
    await server.asked.wait()
    owed.owe([BOB])
    server.gate.set()
    await until_paid(owed)
    assert server.deleted == [[ADA, BOB], [BOB]]


async def test_stale_values_that_have_expired_are_owed_no_longer() -> None:
    server = Server()
    owed = debts(server)
    owed.owe([ADA])
    await server.asked.wait()
    assert owed
    server.now += STALE_S
    await until_paid(owed)
    assert server.deleted == []


async def test_too_many_to_remember_mean_that_the_cache_is_not_used_until_all_have_expired() -> None:
    server = Server(up=True)
    server.gate.set()
    owed = debts(server)
    owed.owe([UserId(str(number)) for number in range(MOST_OWED + 1)])
    assert owed
    server.now += STALE_S - 1
    assert owed
    server.now += 1
    assert not owed
    await owed.aclose()


async def test_closing_tries_once_more_and_does_not_wait_for_a_server_that_is_gone() -> None:
    down, up = Server(), Server()
    for server in (down, up):
        owed = debts(server)
        owed.owe([ADA])
        await server.asked.wait()
        server.up = server is up
        server.gate.set()
        await asyncio.wait_for(owed.aclose(), DEADLINE_S)
    assert (down.deleted, up.deleted) == ([], [[ADA]])
