"""Password hashing by argon2-cffi."""

import asyncio
from threading import Event

import pytest
from argon2 import PasswordHasher as Verifier
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from usercore.adapters.argon2 import Argon2Hasher
from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.secret import Secret
from usercore.settings.sections import PasswordSettings

NARROW = PasswordSettings(threads=1, queue=2)


async def test_a_hash_is_argon2id_with_the_recommended_parameters_and_verifies() -> None:
    async with Argon2Hasher() as hasher:
        first, second = [await hasher.hash(Secret("correct hörse")) for _ in range(2)]

    assert extract_parameters(first.reveal()) == RFC_9106_LOW_MEMORY
    assert Verifier().verify(first.reveal(), "correct hörse")
    assert first != second  # each has a salt of its own


async def test_the_event_loop_stays_free_while_hashing() -> None:
    async with Argon2Hasher(NARROW) as hasher:
        work = asyncio.ensure_future(hasher.hash(Secret("correct horse")))
        turns = 0
        while not work.done():
            await asyncio.sleep(0)
            turns += 1

    assert turns > 10


async def test_more_than_may_wait_are_refused_and_nothing_is_lost() -> None:
    async with Argon2Hasher(NARROW) as hasher:
        outcomes = await asyncio.gather(
            *(hasher.hash(Secret(f"password {number}")) for number in range(8)), return_exceptions=True
        )
        assert sum(isinstance(one, Secret) for one in outcomes) == 3
        assert sum(isinstance(one, ExhaustedError) for one in outcomes) == 5
        assert isinstance(await hasher.hash(Secret("password 9")), Secret)


async def test_a_caller_who_left_frees_no_thread_and_no_place_before_time() -> None:
    hasher = Argon2Hasher(NARROW)
    release = Event()
    hasher._pool.submit(release.wait)  # the one thread is busy
    waiting = [asyncio.ensure_future(hasher.hash(Secret("password"))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ExhaustedError):
        await hasher.hash(Secret("password"))

    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    again = asyncio.ensure_future(hasher.hash(Secret("password")))  # those never began, so their places are free
    await asyncio.sleep(0)
    assert not again.done()
    release.set()
    assert isinstance(await again, Secret)
    await hasher.__aexit__(None, None, None)


async def test_a_closed_hasher_is_unavailable() -> None:
    async with Argon2Hasher(NARROW) as hasher:
        pass

    for _ in range(5):
        with pytest.raises(UnavailableError):
            await hasher.hash(Secret("password"))
