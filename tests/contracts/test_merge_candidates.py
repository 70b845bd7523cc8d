"""What every CandidateStore promises, and what is taken for a sign."""

from datetime import date, timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, SetClock, a_context, a_profile, change_of, creation
from tests.contracts.footprints import must_commit
from usercore.kernel.ids import UserId
from usercore.merging.candidates import Candidate, CandidateFilter, Sign, keys_of, mailbox_of, score_of
from usercore.merging.merge_users import MergeUsersCommand
from usercore.users.errors import QueryInvalidError
from usercore.users.model import User
from usercore.users.values import Address
from usercore.wiring.core import Core, Ports, assemble

HOME = Address(street="Unter den Linden 1", postal_code="10117", city="Berlin")


@pytest.fixture
def core(ports: Ports) -> Core:
    return assemble(evolve(ports, clock=SetClock()))


async def a_user(core: Core, email: str | None = None, **fields: Any) -> User:
    change = creation(a_profile(email, **fields))
    await must_commit(core.ports, change)
    return change.user


async def found(core: Core, **wanted: Any) -> list[Candidate]:
    """Scan, and give every candidate, two at a time."""
    await core.find_duplicates.scan()
    pairs: list[Candidate] = []
    cursor = None
    while True:
        page = await core.find_duplicates(CandidateFilter(**wanted), cursor=cursor, limit=2)
        pairs += page.items
        cursor = page.next_cursor
        if cursor is None:
            return pairs


def pair(one: User, other: User) -> tuple[UserId, ...]:
    return tuple(sorted((one.id, other.id)))


async def test_signs_are_found_whatever_their_writing_and_the_likeliest_come_first(core: Core) -> None:
    born = date(1906, 12, 9)
    a = await a_user(
        core,
        "grace.hopper@gmail.com",
        last_name="Hopper",
        birth_date=born,
        phone_number="+4930111",
        external_id="crm-1",
    )
    b = await a_user(core, "gracehopper+shop@googlemail.com", last_name="Murray")
    c = await a_user(core, first_name=" grace", last_name="HOPPER", birth_date=born, phone_number="+4930111")
    d = await a_user(core, last_name="O'Neill", address=HOME, external_id="CRM_1")
    e = await a_user(core, last_name="o neill", address=evolve(HOME, street="unter den linden, 1"), locale="de")
    await a_user(core, "someone.else@example.com", last_name="Else", address=HOME)
    await a_user(core, "someoneelse@example.com", first_name="Ada", birth_date=born)

    both = (Sign.SAME_NAME_AND_BIRTH_DATE, Sign.SAME_PHONE)
    assert [(one.first, one.second, one.signs, one.score) for one in await found(core)] == [
        (*pair(a, c), both, 0.92),
        (*pair(a, b), (Sign.SAME_MAILBOX,), 0.9),
        (*pair(a, d), (Sign.SIMILAR_EXTERNAL_ID,), 0.7),
        (*pair(d, e), (Sign.SAME_ADDRESS_AND_LAST_NAME,), 0.5),
    ]
    assert [one.signs for one in await found(core, user_id=e.id)] == [(Sign.SAME_ADDRESS_AND_LAST_NAME,)]


async def test_whoever_was_merged_or_restricted_is_no_candidate(core: Core) -> None:
    own, other, third = [await a_user(core, phone_number="+4930222") for _ in range(3)]
    assert len(await found(core)) == 3
    await core.merge_users(MergeUsersCommand(own.id, other.id, reason="the same"), a_context())
    page = await core.find_duplicates(CandidateFilter())
    assert [(one.first, one.second) for one in page.items] == [pair(own, third)]
    assert [(one.first, one.second) for one in await found(core)] == [pair(own, third)]
    now = (await core.ports.users.get_many([third.id]))[third.id]
    await must_commit(core.ports, change_of(now.restrict(on=True, now=NOW)))
    assert not (await core.find_duplicates(CandidateFilter())).items
    assert not await found(core)


async def test_a_dismissed_pair_is_remembered_and_not_brought_up_again(core: Core) -> None:
    own, other = await a_user(core, phone_number="+4930333"), await a_user(core, phone_number="+4930333")
    assert len(await found(core)) == 1
    first = await core.dismiss_candidate(other.id, own.id, "two sisters", a_context())
    again = await core.dismiss_candidate(own.id, other.id, "asked once more", a_context())
    assert first == again
    assert first.dismissal is not None
    assert (first.signs, first.dismissal.reason) == ((Sign.SAME_PHONE,), "two sisters")
    assert not await found(core)
    assert await found(core, dismissed=True) == [first]
    never_found = await a_user(core)
    kept = await core.dismiss_candidate(own.id, never_found.id, "known", a_context())
    assert (kept.signs, kept.score) == ((), 0.0)


async def test_what_many_share_says_nothing(core: Core) -> None:
    for _ in range(21):
        await a_user(core, phone_number="+4930444")
    assert not await found(core)


async def test_a_scan_is_made_when_the_last_one_is_old_enough(core: Core) -> None:
    clock: Any = core.ports.clock
    day = timedelta(days=1)
    assert await core.find_duplicates.scan_when_due(day) == 0
    assert await core.find_duplicates.scan_when_due(day) is None
    clock.advance(days=1)
    assert await core.find_duplicates.scan_when_due(day) == 0
    assert await core.find_duplicates.scan() == 0


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WzEsMiwzXQ", "é"])
async def test_a_foreign_cursor_is_refused(core: Core, cursor: str) -> None:
    with pytest.raises(QueryInvalidError):
        await core.find_duplicates(CandidateFilter(), cursor=cursor)


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("g.hopper+x+y@gmail.com", "ghopper@gmail.com"),
        ("ghopper@googlemail.com", "ghopper@gmail.com"),
        ("g.hopper+x@outlook.com", "g.hopper@outlook.com"),
        ("g.hopper+x@example.com", None),
    ],
)
def test_of_an_address_what_its_provider_ignores_is_ignored(address: str, mailbox: str | None) -> None:
    assert mailbox_of(address) == mailbox


def test_a_profile_that_says_little_has_no_signs() -> None:
    assert keys_of(a_profile()) == {}
    assert score_of(tuple(Sign)) < 1
