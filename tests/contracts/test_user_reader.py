"""What every UserReader and ProfileReader promises."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings

from tests.builders import NOW, SECOND, a_profile, creation, deactivation, in_state, update
from tests.contracts.footprints import must_commit
from tests.strategies import ACCUMULATING, users
from usercore.codec.profile import profile_document, render_profile
from usercore.kernel.ids import UserId
from usercore.users.model import User
from usercore.users.ports import Lookup, LookupKind
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

UNKNOWN = (UserId("00000000-0000-7000-8000-000000000000"), UserId("somebody"), UserId("x" * 64), UserId("ö 'x'"))


async def test_nobody_asked_for_is_nobody_found(ports: Ports) -> None:
    assert dict(await ports.users.get_many([])) == {}
    assert dict(await ports.profiles.documents([])) == {}


async def test_unknown_ids_are_missing_and_harm_no_known_one(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    asked = [*UNKNOWN, change.user.id, change.user.id]

    assert dict(await ports.users.get_many(asked)) == {change.user.id: change.user}
    assert dict(await ports.profiles.documents(asked)) == {change.user.id: profile_document(change.user)}


@pytest.mark.parametrize("state", AccountState)
async def test_users_are_read_in_every_account_state(ports: Ports, state: AccountState) -> None:
    change = in_state(creation(), state)
    await must_commit(ports, change)

    assert (await ports.users.get_many([change.user.id]))[change.user.id] == change.user
    document = (await ports.profiles.documents([change.user.id]))[change.user.id]
    assert (document.version, document.state) == (1, state)


@settings(ACCUMULATING, max_examples=40)
@given(user=users())
async def test_a_user_is_read_as_they_were_written(ports: Ports, user: User) -> None:
    await must_commit(ports, evolve(creation(user.profile, user_id=user.id), user=user))

    assert (await ports.users.get_many([user.id]))[user.id] == user
    document = (await ports.profiles.documents([user.id]))[user.id]
    assert document.body == render_profile(user)
    assert document == profile_document(user)


async def test_a_document_read_after_a_commit_shows_it(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    for number in range(5):
        change = update(change.user, first_name=f"Ada {number}")
        await must_commit(ports, change)

        documents = await ports.profiles.documents([change.user.id])

        assert documents[change.user.id] == profile_document(change.user)


async def test_a_user_is_found_by_what_names_them_and_only_by_that(ports: Ports) -> None:
    profile = a_profile("Grace@Example.com", username="Grace", external_id="CRM-1")
    change = creation(profile)
    await must_commit(ports, change, creation())
    names = {
        LookupKind.EMAIL: "grace@example.com",
        LookupKind.USERNAME: "grace",
        LookupKind.EXTERNAL_ID: "CRM-1",
    }

    for kind in LookupKind:
        for of_kind, value in names.items():
            expected = change.user if kind is of_kind else None
            assert await ports.users.find(Lookup(kind, value)) == expected
    assert await ports.users.find(Lookup(LookupKind.EXTERNAL_ID, "crm-1")) is None
    assert await ports.users.find(Lookup(LookupKind.USERNAME, "gra%")) is None


async def test_what_a_user_gave_up_finds_nobody(ports: Ports) -> None:
    created = creation(a_profile(username="grace", external_id="crm-1"))
    await must_commit(ports, created, update(created.user, username="hopper", external_id=None))

    assert await ports.users.find(Lookup(LookupKind.USERNAME, "grace")) is None
    assert await ports.users.find(Lookup(LookupKind.EXTERNAL_ID, "crm-1")) is None
    found = await ports.users.find(Lookup(LookupKind.USERNAME, "hopper"))
    assert found is not None
    assert found.id == created.user.id


async def test_those_due_for_reactivation_come_longest_due_first(ports: Ports) -> None:
    ends = {"later": 30, "soon": 10, "sooner": 5, "never": None, "future": 100}
    ids = {}
    for name, days in ends.items():
        created = creation()
        until = None if days is None else NOW + timedelta(days=days)
        await must_commit(ports, created, deactivation(created.user, until=until))
        ids[name] = created.user.id
    await must_commit(ports, creation())
    now = NOW + timedelta(days=30)

    assert list(await ports.users.due_for_reactivation(now, 10)) == [ids["sooner"], ids["soon"], ids["later"]]
    assert list(await ports.users.due_for_reactivation(now, 2)) == [ids["sooner"], ids["soon"]]
    assert list(await ports.users.due_for_reactivation(now - timedelta(days=25) - SECOND, 10)) == []
