"""One effect per idempotency key, over memory."""

import asyncio

import pytest

from tests.builders import SetClock, a_context
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UnavailableError
from usercore.kernel.receipts import (
    ClaimLostError,
    IdempotencyKey,
    KeyInFlightError,
    KeyReusedError,
    Settled,
)
from usercore.users.create_user import CreateUserCommand
from usercore.users.errors import ProfileInvalidError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.once import KEPT_FOR, LEASE
from usercore.wiring.core import Core

KEY = IdempotencyKey("caller:create", "key-1", b"fingerprint")


def command(email: str = "grace@example.com") -> CreateUserCommand:
    return CreateUserCommand(ProfilePatch(email=email, first_name="Grace", last_name="Hopper"))


async def create_once(core: Core, key: IdempotencyKey = KEY, email: str = "grace@example.com") -> User:
    async def work(context: CommandContext) -> User:
        return await core.create_user(command(email), context)

    async def replay(settled: Settled) -> User:
        return await core.read_past.at_version(settled.user_id, settled.version)

    return await core.once(key, a_context(), work, replay)


async def test_a_repetition_gives_the_same_answer_and_has_no_effect(core: Core) -> None:
    first = await create_once(core)

    assert [await create_once(core) for _ in range(3)] == [first] * 3
    assert await core.ports.outbox.pending() == 1


async def test_a_repetition_of_another_request_is_refused(core: Core) -> None:
    await create_once(core)

    with pytest.raises(KeyReusedError):
        await create_once(core, IdempotencyKey(KEY.scope, KEY.key, b"other"))


async def test_a_key_is_free_again_after_a_day(core: Core, clock: SetClock) -> None:
    first = await create_once(core)
    clock.advance(seconds=KEPT_FOR.total_seconds() + 1)

    second = await create_once(core, email="ada@example.com")

    assert second.id != first.id


async def test_a_refused_request_leaves_its_key_free(core: Core) -> None:
    with pytest.raises(ProfileInvalidError):
        await create_once(core, email="no")

    assert (await create_once(core)).version == 1


async def test_while_one_try_is_at_work_another_is_told_so(core: Core) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(context: CommandContext) -> User:
        begun.set()
        await finish.wait()
        return await core.create_user(command(), context)

    async def never(_: Settled) -> User:
        raise AssertionError

    first = asyncio.create_task(core.once(KEY, a_context(), slow, never))
    await begun.wait()
    with pytest.raises(KeyInFlightError):
        await create_once(core)
    finish.set()

    user = await first
    assert await create_once(core) == user


async def test_where_the_outcome_is_unknown_the_key_stays_reserved_until_the_lease_ends(
    core: Core, clock: SetClock
) -> None:
    async def fails(_: CommandContext) -> User:
        raise UnavailableError

    async def never(_: Settled) -> User:
        raise AssertionError

    with pytest.raises(UnavailableError):
        await core.once(KEY, a_context(), fails, never)

    with pytest.raises(KeyInFlightError):
        await create_once(core)
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert (await create_once(core)).version == 1


async def test_a_try_that_was_overtaken_has_no_effect(core: Core, clock: SetClock) -> None:
    """A try that slept past its lease must not create a second user."""

    async def sleepy(context: CommandContext) -> User:
        clock.advance(seconds=LEASE.total_seconds() + 1)
        await create_once(core)
        return await core.create_user(command("second@example.com"), context)

    async def never(_: Settled) -> User:
        raise AssertionError

    with pytest.raises(ClaimLostError):
        await core.once(KEY, a_context(), sleepy, never)

    assert await core.ports.outbox.pending() == 1
    assert (await create_once(core)).profile.email.address == "grace@example.com"
