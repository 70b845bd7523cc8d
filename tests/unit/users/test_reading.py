"""GetUser, ReadProfile, ListUsers, ReadHistory and ReadPast, over memory."""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings

from tests.builders import NOW, OPERATOR, SetClock, a_context, creation, update
from tests.strategies import users
from usercore.codec.profile import render_profile
from usercore.kernel.ids import UserId
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import QueryInvalidError, UserErasedError, UserNotFoundError
from usercore.users.intake import ProfilePatch
from usercore.users.model import AccountStatus, User
from usercore.users.queries import UserQuery
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core


@pytest.fixture
async def user(core: Core) -> User:
    profile = ProfilePatch(
        email="Grace@Bücher.example", username="GraceH", first_name="Grace", last_name="Hopper", external_id="crm-1"
    )
    return await core.create_user(CreateUserCommand(profile), a_context())


@pytest.fixture
async def erased(core: Core) -> User:
    change = creation()
    status = AccountStatus(AccountState.ERASED, since=NOW, actor=OPERATOR)
    gone = evolve(change, user=evolve(change.user, status=status))
    assert list(await core.ports.writer.commit([gone])) == [None]
    return gone.user


@pytest.mark.parametrize(
    "named",
    [
        UserNamed(email="grace@BÜCHER.example"),
        UserNamed(email=" GRACE@xn--bcher-kva.example "),
        UserNamed(username="graceh"),
        UserNamed(username=" GRACEH "),
        UserNamed(external_id=" crm-1 "),
    ],
)
async def test_a_user_is_found_by_any_one_name(core: Core, user: User, named: UserNamed) -> None:
    assert await core.get_user(named) == user
    assert await core.get_user(UserNamed(user_id=user.id)) == user


async def test_a_user_whose_username_is_their_email_is_found_by_any_spelling_of_it(core: Core) -> None:
    profile = ProfilePatch(email="ada@bücher.example", first_name="Ada", last_name="Lovelace")
    ada = await core.create_user(CreateUserCommand(profile), a_context())

    assert await core.get_user(UserNamed(username="ADA@xn--bcher-kva.example")) == ada


@pytest.mark.parametrize(
    "named",
    [
        UserNamed(),
        UserNamed(email="no"),
        UserNamed(email="a@example.com", username="a"),
        UserNamed(user_id=UserId("a"), external_id="b"),
    ],
)
async def test_not_exactly_one_name_is_no_question(core: Core, named: UserNamed) -> None:
    with pytest.raises(QueryInvalidError):
        await core.get_user(named)


@pytest.mark.parametrize(
    "named",
    [
        UserNamed(user_id=UserId("nobody")),
        UserNamed(email="nobody@example.com"),
        UserNamed(username="no@body"),
        UserNamed(external_id="crm-2"),
    ],
)
async def test_nobody_is_not_found(core: Core, user: User, named: UserNamed) -> None:
    with pytest.raises(UserNotFoundError):
        await core.get_user(named)


async def test_the_profile_of_nobody_and_of_an_erased_user_is_not_served(core: Core, erased: User) -> None:
    with pytest.raises(UserNotFoundError):
        await core.read_profile(UserId("nobody"))
    with pytest.raises(UserErasedError):
        await core.read_profile(erased.id)
    with pytest.raises(UserErasedError):
        await core.get_user(UserNamed(user_id=erased.id))
    with pytest.raises(UserErasedError):
        await core.read_history(erased.id)


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_page_has_1_to_500_items(core: Core, user: User, limit: int) -> None:
    with pytest.raises(QueryInvalidError):
        await core.list_users(UserQuery(limit=limit))
    with pytest.raises(QueryInvalidError):
        await core.read_history(user.id, limit=limit)


async def grow(core: Core, clock: SetClock, user: User, names: int) -> None:
    for number in range(names):
        clock.advance(seconds=1)
        await core.update_user(UpdateUserCommand(user.id, ProfilePatch(first_name=f"Ada {number}")), a_context())


async def test_history_is_read_page_by_page(core: Core, clock: SetClock, user: User) -> None:
    await grow(core, clock, user, 5)

    first = await core.read_history(user.id, limit=4)
    assert first.next_cursor == "3"
    second = await core.read_history(user.id, limit=4, below_version=int(first.next_cursor))

    assert [entry.version for entry in [*first.items, *second.items]] == [6, 5, 4, 3, 2, 1]
    assert second.next_cursor is None
    assert (await core.read_history(user.id, limit=6)).next_cursor is None


async def test_the_past_is_restored_whole_at_each_version_and_time(core: Core, clock: SetClock, user: User) -> None:
    seen = [user]
    patches = [
        ProfilePatch(first_name="Ada", phone_number="4930", attributes=None),
        ProfilePatch(email="ada@example.com", username=None),
        ProfilePatch(phone_number=None, time_zone="Europe/Berlin"),
    ]
    for patch in patches:
        clock.advance(hours=1)
        seen.append(await core.update_user(UpdateUserCommand(user.id, patch), a_context()))
    clock.advance(hours=1)
    seen.append(await core.deactivate_user(DeactivateUserCommand(user.id, reason="bye"), a_context()))

    for then in seen:
        past = await core.read_past.at_version(user.id, then.version)
        assert render_profile(past) == render_profile(then)
        assert await core.read_past.at(user.id, then.updated_at + timedelta(minutes=30)) == past


async def test_there_is_no_past_before_the_beginning_and_no_version_nobody_made(core: Core, user: User) -> None:
    with pytest.raises(UserNotFoundError):
        await core.read_past.at(user.id, NOW - timedelta(seconds=1))
    with pytest.raises(UserNotFoundError):
        await core.read_past.at_version(user.id, 0)
    with pytest.raises(UserNotFoundError):
        await core.read_past.at(UserId("nobody"), NOW)


async def test_a_long_past_is_restored_over_many_batches(core: Core, clock: SetClock, user: User) -> None:
    await grow(core, clock, user, 1_050)

    assert await core.read_past.at_version(user.id, 1) == user
    assert (await core.read_past.at_version(user.id, 526)).profile.first_name == "Ada 524"


@settings(max_examples=30)
@given(before=users(), after=users())
async def test_any_values_are_restored_as_they_were(before: User, after: User) -> None:
    core = memory_core()
    first = creation(before.profile, user_id=before.id)
    second = update(
        first.user, first_name=after.profile.first_name, attributes=after.profile.attributes, external_id=after.id
    )
    assert list(await core.ports.writer.commit([first, second])) == [None, None]

    assert await core.read_past.at_version(before.id, 1) == first.user
