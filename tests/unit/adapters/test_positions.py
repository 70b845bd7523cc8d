"""Where the primary stood: what tells how old a replica's answers can be."""

import asyncio

import pytest
from attrs import define

from usercore.adapters.sql.positions import Positions
from usercore.codec.consistency import read_token, write_token


@define
class Primary:
    """A clock, and a primary that says where it stands after a while."""

    position: int = 100
    time: float = 0.0
    takes_s: float = 0.0

    def now(self) -> float:
        return self.time

    async def tell(self) -> int:
        self.time += self.takes_s
        return self.position


@pytest.fixture
def primary() -> Primary:
    return Primary()


@pytest.fixture
def positions(primary: Primary) -> Positions:
    return Positions(10.0, primary.now)


async def test_a_replica_must_have_come_as_far_as_the_primary_was_at_the_longest_lag(
    primary: Primary, positions: Positions
) -> None:
    assert positions.least() is None, "nothing is known yet"
    for second in range(20):
        primary.time, primary.position = float(second), 100 + second
        await positions.sample(primary.tell)
    assert positions.least() == 109, "the primary at 9 s, seen at 19 s"
    assert positions.age(119) == 0
    assert positions.age(112) == 7
    assert positions.age(100) == float("inf")
    primary.time = 40.0
    assert positions.least() is None, "the primary has not been heard of for too long"


async def test_the_time_of_a_sample_is_that_of_its_question(primary: Primary, positions: Positions) -> None:
    primary.takes_s = 4.0
    await positions.sample(primary.tell)
    assert positions.age(100) == 4.0


async def test_the_latest_position_holds_all_that_was_committed_here_and_a_primary_set_back_is_believed(
    positions: Positions,
) -> None:
    positions.committed(500)
    positions.committed(400)
    assert positions.latest == 500
    told = asyncio.Event()

    async def tell() -> int:
        await told.wait()
        return 120

    sampling = asyncio.create_task(positions.sample(tell))
    await asyncio.sleep(0)
    positions.committed(130)
    told.set()
    await sampling
    assert positions.latest == 130, "another primary stands further back; what it has committed since counts"


async def test_two_who_ask_at_once_forget_nothing_that_was_committed_meanwhile(positions: Positions) -> None:
    told = asyncio.Event()

    async def before_the_commit() -> int:
        await told.wait()
        return 120

    async def after_it() -> int:
        return 131

    first = asyncio.create_task(positions.sample(before_the_commit))
    await asyncio.sleep(0)
    positions.committed(130)
    second = asyncio.create_task(positions.sample(after_it))
    await asyncio.sleep(0)
    told.set()
    await asyncio.gather(first, second)
    assert positions.latest == 131


@pytest.mark.parametrize("position", [1, 2**40, 2**63 - 1])
def test_a_token_is_read_back(position: int) -> None:
    assert read_token(write_token(position)) == position


@pytest.mark.parametrize("token", ["", "latest", "AAAAAAAAAAAA", "AgAAAAAAAAAB", "!" * 12, "ä" * 12, "A" * 5000])
def test_what_is_no_token_is_none(token: str) -> None:
    assert read_token(token) is None
