"""What every HistoryReader promises."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings

from tests.builders import NOW, SECOND, change_of, creation, update
from tests.contracts.footprints import must_commit
from tests.strategies import ACCUMULATING, users
from usercore.kernel.changes import undo
from usercore.kernel.ids import UserId
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.wiring.core import Ports


async def ten_versions(ports: Ports) -> list[Change]:
    """Commit a life of ten versions, a second apart, between those of others."""
    changes = [creation()]
    for number in range(9):
        changes.append(update(changes[-1].user, first_name=f"Ada {number}"))
    for change in changes:
        await must_commit(ports, change, creation())
    return changes


@pytest.mark.parametrize(
    ("below", "limit", "versions"),
    [
        (None, 100, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (None, 3, [10, 9, 8]),
        (8, 3, [7, 6, 5]),
        (3, 100, [2, 1]),
        (1, 100, []),
        (99, 1, [10]),
    ],
)
async def test_entries_come_newest_first_and_below_the_version_given(
    ports: Ports, below: int | None, limit: int, versions: list[int]
) -> None:
    changes = await ten_versions(ports)

    entries = await ports.history.entries(changes[0].user.id, below_version=below, limit=limit)

    assert [entry.version for entry in entries] == versions
    assert [entry.event_id for entry in entries] == [changes[version - 1].event_id for version in versions]


async def test_the_version_at_a_time_is_the_last_one_made_by_then(ports: Ports) -> None:
    changes = await ten_versions(ports)
    user_id = changes[0].user.id
    moment = timedelta(microseconds=1)

    assert await ports.history.version_at(user_id, NOW - moment) is None
    assert await ports.history.version_at(user_id, NOW) == 1
    assert await ports.history.version_at(user_id, NOW + SECOND - moment) == 1
    assert await ports.history.version_at(user_id, NOW + SECOND) == 2
    assert await ports.history.version_at(user_id, NOW + timedelta(days=999)) == 10


async def test_of_versions_of_one_moment_the_last_one_counts(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created, update(created.user, first_name="Ada", now=NOW))

    assert await ports.history.version_at(created.user.id, NOW) == 2


async def test_one_entry_is_found_by_its_version(ports: Ports) -> None:
    changes = await ten_versions(ports)
    user_id = changes[0].user.id

    entry = await ports.history.entry(user_id, 4)

    assert entry is not None
    assert (entry.version, entry.changes) == (4, changes[3].changes)
    assert await ports.history.entry(user_id, 11) is None
    assert await ports.history.entry(user_id, 0) is None


@pytest.mark.parametrize("nobody", ["00000000-0000-7000-8000-000000000000", "somebody"])
async def test_nobody_has_no_history(ports: Ports, nobody: str) -> None:
    user_id = UserId(nobody)

    assert list(await ports.history.entries(user_id, below_version=None, limit=10)) == []
    assert await ports.history.version_at(user_id, NOW) is None
    assert await ports.history.entry(user_id, 1) is None


@settings(ACCUMULATING, max_examples=25)
@given(before=users(), after=users())
async def test_taking_back_what_is_remembered_gives_what_was(ports: Ports, before: User, after: User) -> None:
    """Whatever the values are, they come back from the store as they went in."""
    first = creation(before.profile, user_id=before.id, now=before.created_at)
    await must_commit(ports, first)
    second = change_of(first.user.update(evolve(after.profile, email=before.profile.email), now=first.user.updated_at))
    await must_commit(ports, second)

    entries = await ports.history.entries(before.id, below_version=None, limit=10)

    assert [entry.changes for entry in entries] == [second.changes, first.changes]
    restored = undo(second.user.facets(), entries[0].changes)
    assert User.of_facets(first.user, restored) == first.user
