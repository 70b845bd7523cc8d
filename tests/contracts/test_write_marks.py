"""What everything does that remembers who wrote last: in memory, and on a server."""

import asyncio
import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.e2e.harness.waiting import until
from usercore.adapters.memory.write_marks import MemoryWriteMarks
from usercore.adapters.redis.steps import CacheDownError
from usercore.adapters.redis.write_marks import open_write_marks
from usercore.kernel.consistency import WriteMarks
from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings

KEY = Secret(base64.b64encode(bytes(range(32))).decode())
TTL_S = 0.3
BEYOND_DOUBLES = 2**53
"""Numbers from here on are not exact in Lua."""


def settings(url: str) -> CacheSettings:
    return CacheSettings(url=Secret(url), key=KEY, namespace=f"test-{uuid4().hex}", timeout_s=5.0)


@pytest.fixture(params=["memory", "redis"])
async def marks(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[WriteMarks]:
    if request.param == "memory":
        yield MemoryWriteMarks(TTL_S)
        return
    async with open_write_marks(settings(redis_url), TTL_S) as one:
        yield one


async def test_the_latest_position_of_each_caller_is_remembered_in_whatever_order_they_come(marks: WriteMarks) -> None:
    positions = [BEYOND_DOUBLES + step for step in (3, 1, 5, 4)]
    await asyncio.gather(*(marks.remember("shop", position) for position in positions))
    await marks.remember("bank", 7)
    assert await marks.last("shop") == BEYOND_DOUBLES + 5
    assert await marks.last("bank") == 7
    assert await marks.last("nobody") == 0


async def test_a_position_is_forgotten_after_its_time_and_a_new_write_begins_it_anew(marks: WriteMarks) -> None:
    await marks.remember("shop", 5)
    await marks.remember("bank", 9)

    async def forgotten() -> bool:
        await marks.remember("bank", 1)
        return await marks.last("shop") == 0

    await until(forgotten, "the position is forgotten")
    assert await marks.last("bank") == 9


async def test_a_server_that_is_gone_is_told_apart_from_a_caller_who_wrote_nothing() -> None:
    async with open_write_marks(settings("redis://127.0.0.1:1/0"), TTL_S) as marks:
        with pytest.raises(CacheDownError):
            await marks.last("shop")
        with pytest.raises(CacheDownError):
            await marks.remember("shop", 1)
