"""UpdateUser and the step every change goes through, over memory."""

import asyncio
from collections.abc import Sequence

import pytest
from attrs import define, evolve

from tests.builders import NOW, OPERATOR, SetClock, a_context, change_of, creation, update
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import Claim, IdempotencyKey, Settled
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import (
    EmailTakenError,
    ProfileInvalidError,
    StaleVersionError,
    UserDeactivatedError,
    UserErasedError,
    UserNotFoundError,
    UserRestrictedError,
    WriteContendedError,
)
from usercore.users.intake import ProfilePatch
from usercore.users.model import AccountStatus, User
from usercore.users.ports import Change, UserReader, UserWriter
from usercore.users.stepping import TRIES
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState
from usercore.wiring.core import Core, assemble


@pytest.fixture
async def user(core: Core) -> User:
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), a_context())


def renaming(user: User, name: str, version: int | None = None) -> UpdateUserCommand:
    return UpdateUserCommand(user.id, ProfilePatch(first_name=name), version)


@define
class RivalledWriter:
    """Lets another writer change the same user just before each of the first commits."""

    inner: UserWriter
    reader: UserReader
    rivals: int
    commits: int = 0

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        self.commits += 1
        if self.rivals:
            self.rivals -= 1
            [change] = changes
            current = (await self.reader.get_many([change.user.id]))[change.user.id]
            await self.inner.commit([update(current, last_name=f"rival {self.rivals}")])
        return await self.inner.commit(changes)


def rivalled(core: Core, rivals: int) -> tuple[Core, RivalledWriter]:
    writer = RivalledWriter(core.ports.writer, core.ports.users, rivals)
    return assemble(evolve(core.ports, writer=writer)), writer


async def test_fields_are_changed_and_the_change_is_remembered(core: Core, user: User, clock: SetClock) -> None:
    clock.advance(seconds=5)

    after = await core.update_user(renaming(user, "Ada", 1), a_context())

    assert after == evolve(user, version=2, updated_at=clock.time, profile=evolve(user.profile, first_name="Ada"))
    page = await core.read_history(user.id)
    assert [entry.message for entry in page.items] == ["UserUpdated", "UserCreated"]
    assert page.items[0].actor == OPERATOR


async def test_what_changes_nothing_makes_no_version(core: Core, user: User) -> None:
    assert await core.update_user(renaming(user, " Grace ", 1), a_context()) == user
    assert await core.ports.outbox.pending() == 1


async def test_what_changes_nothing_settles_its_key_all_the_same(core: Core, user: User) -> None:
    key = IdempotencyKey("caller", "key-1", b"")
    claim = await core.ports.ledger.claim(key, now=NOW, lease_until=NOW, expires_at=NOW.replace(year=2027))
    assert isinstance(claim, Claim)

    await core.update_user(renaming(user, "Grace"), a_context(claim))

    again = await core.ports.ledger.claim(key, now=NOW, lease_until=NOW, expires_at=NOW)
    assert again == Settled(user.id, 1)


async def test_a_version_that_is_not_current_is_stale(core: Core, user: User) -> None:
    await core.update_user(renaming(user, "Ada", 1), a_context())

    with pytest.raises(StaleVersionError):
        await core.update_user(renaming(user, "Joan", 1), a_context())

    assert (await core.ports.users.get_many([user.id]))[user.id].profile.first_name == "Ada"


async def test_without_a_version_the_step_is_tried_again_on_what_others_made(core: Core, user: User) -> None:
    contended, writer = rivalled(core, rivals=3)

    after = await contended.update_user(renaming(user, "Ada"), a_context())

    assert (after.profile.first_name, after.profile.last_name) == ("Ada", "rival 0")
    assert (after.version, writer.commits) == (5, 4)


async def test_with_a_version_a_lost_race_is_stale_and_not_tried_again(core: Core, user: User) -> None:
    contended, writer = rivalled(core, rivals=1)

    with pytest.raises(StaleVersionError) as caught:
        await contended.update_user(renaming(user, "Ada", 1), a_context())

    assert (caught.value.current, writer.commits) == (2, 1)


async def test_a_step_that_never_gets_its_turn_gives_up(core: Core, user: User) -> None:
    contended, writer = rivalled(core, rivals=TRIES + 1)

    with pytest.raises(WriteContendedError):
        await contended.update_user(renaming(user, "Ada"), a_context())

    assert writer.commits == TRIES
    assert (await core.ports.users.get_many([user.id]))[user.id].profile.first_name == "Grace"


async def test_of_fifty_updates_with_one_version_one_wins(core: Core, user: User) -> None:
    outcomes = await asyncio.gather(
        *(core.update_user(renaming(user, f"Ada {number}", 1), a_context()) for number in range(50)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, User) for one in outcomes) == 1
    assert sum(isinstance(one, StaleVersionError) for one in outcomes) == 49


async def test_of_twenty_updates_without_a_version_none_is_lost(core: Core, user: User) -> None:
    await asyncio.gather(*(core.update_user(renaming(user, f"Ada {n}"), a_context()) for n in range(20)))

    page = await core.read_history(user.id, limit=100)
    names = [change.after for entry in page.items for change in entry.changes if change.field == "first_name"]
    assert [entry.version for entry in page.items] == list(range(21, 0, -1))
    assert sorted(names) == sorted(["Grace", *(f"Ada {n}" for n in range(20))])  # type: ignore[type-var]


async def test_bad_fields_and_taken_emails_are_refused_without_a_trace(core: Core, user: User) -> None:
    other = CreateUserCommand(ProfilePatch(email="ada@example.com", first_name="Ada", last_name="L"))
    await core.create_user(other, a_context())

    with pytest.raises(ProfileInvalidError):
        await core.update_user(renaming(user, ""), a_context())
    with pytest.raises(EmailTakenError):
        await core.update_user(UpdateUserCommand(user.id, ProfilePatch(email="ADA@example.com")), a_context())

    assert (await core.ports.users.get_many([user.id]))[user.id] == user
    assert await core.ports.outbox.pending() == 2


async def test_nobody_is_not_updated(core: Core) -> None:
    with pytest.raises(UserNotFoundError):
        await core.update_user(UpdateUserCommand(UserId("nobody"), ProfilePatch(first_name="")), a_context())


async def test_deactivated_and_erased_users_are_not_updated_whatever_is_sent(core: Core, user: User) -> None:
    await core.deactivate_user(DeactivateUserCommand(user.id), a_context())
    with pytest.raises(UserDeactivatedError):
        await core.update_user(renaming(user, ""), a_context())

    erased = creation()
    status = AccountStatus(AccountState.ERASED, since=NOW, actor=OPERATOR)
    await core.ports.writer.commit([evolve(erased, user=evolve(erased.user, status=status))])
    with pytest.raises(UserErasedError):
        await core.update_user(renaming(erased.user, "Ada"), a_context())


async def test_a_stale_version_is_told_before_bad_fields(core: Core, user: User) -> None:
    with pytest.raises(StaleVersionError):
        await core.update_user(renaming(user, "", 7), a_context())


async def test_a_new_email_is_told_to_the_authentication_service(core: Core, user: User) -> None:
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(email="new@example.com")), a_context())
    while await core.deliver_pending():
        pass

    calls = core.ports.authentication.calls  # type: ignore[attr-defined]
    [login] = [one.payload for one in calls if one.operation == "CHANGE_LOGIN"]
    assert login == {"email": "new@example.com", "username": "new@example.com"}


async def test_a_restricted_user_is_changed_by_privacy_requests_alone(core: Core, user: User) -> None:
    restricting = change_of(user.restrict(on=True, now=NOW))
    assert await core.ports.writer.commit([restricting]) == [None]

    for refused in (renaming(user, "Ada"), renaming(user, "Ada", 2)):
        with pytest.raises(UserRestrictedError):
            await core.update_user(refused, a_context())
    with pytest.raises(UserRestrictedError):
        await core.deactivate_user(DeactivateUserCommand(user.id), a_context())
    after = await core.update_user(renaming(user, "Ada"), evolve(a_context(), for_privacy=True))

    assert (after.version, after.profile.first_name, after.restricted) == (3, "Ada", True)
