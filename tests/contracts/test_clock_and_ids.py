"""What every Clock and IdGenerator promises."""

from datetime import UTC, timedelta
from uuid import UUID

import pytest

from usercore.adapters.memory.system import SystemClock, Uuid7Ids
from usercore.adapters.system import SystemIds
from usercore.kernel.ports import IdGenerator


def test_the_clock_tells_aware_utc_and_does_not_stand_still() -> None:
    clock = SystemClock()

    first = clock.now()
    while (second := clock.now()) == first:
        pass

    assert first.tzinfo is UTC
    assert timedelta(0) < second - first


@pytest.fixture(params=[Uuid7Ids, SystemIds], ids=["stdlib", "uuid-utils"])
def ids(request: pytest.FixtureRequest) -> IdGenerator:
    made: IdGenerator = request.param()
    return made


def test_ids_are_uuid7_in_canonical_text_form_and_of_this_moment(ids: IdGenerator) -> None:
    clock = SystemClock()
    for make in (ids.user_id, ids.event_id):
        before = int(clock.now().timestamp() * 1000)
        text = make()
        after = int(clock.now().timestamp() * 1000)

        assert str(UUID(text)) == text
        assert (UUID(text).version, UUID(text).variant) == (7, "specified in RFC 4122")
        # A full counter borrows from the milliseconds to come.
        assert before <= UUID(text).int >> 80 <= after + 1_000


def test_no_two_ids_are_alike_and_each_sorts_behind_the_one_before(ids: IdGenerator) -> None:
    made = [str(ids.event_id()) for _ in range(20_000)]

    assert len(set(made)) == len(made)
    assert made == sorted(made)


def test_ids_of_one_moment_cannot_be_guessed_from_each_other(ids: IdGenerator) -> None:
    """The low 32 bits at least are random in every id."""
    low = {UUID(ids.user_id()).int & 0xFFFFFFFF for _ in range(1_000)}

    assert len(low) > 990
