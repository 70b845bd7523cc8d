"""DeactivateUser, ReactivateUser and ReactivateDue, over memory."""

from datetime import timedelta

import pytest

from tests.builders import NOW, SetClock, a_context
from usercore.kernel.context import SYSTEM, Actor, ActorKind
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import ProfileInvalidError, StaleVersionError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.reactivate_user import BATCH, ReactivateUserCommand
from usercore.users.values import AccountState, DeactivationReason
from usercore.wiring.core import Core


async def create(core: Core, email: str = "grace@example.com") -> User:
    profile = ProfilePatch(email=email, first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), a_context())


@pytest.mark.parametrize(
    ("kind", "reason", "notes", "expected"),
    [
        (ActorKind.USER, None, None, ("USER_REQUESTED", None)),
        (ActorKind.OPERATOR, None, None, ("ADMINISTRATIVE_ACTION", None)),
        (ActorKind.SERVICE, None, "why", ("ADMINISTRATIVE_ACTION", "why")),
        (ActorKind.USER, "INACTIVITY", None, ("INACTIVITY", None)),
        (ActorKind.OPERATOR, " SECURITY_VIOLATION ", "stolen", ("SECURITY_VIOLATION", "stolen")),
        (ActorKind.USER, "moving abroad", None, ("USER_REQUESTED", "moving abroad")),
        (ActorKind.OPERATOR, "inactivity", None, ("ADMINISTRATIVE_ACTION", "inactivity")),
        (ActorKind.SYSTEM, "free text", "and notes", ("ADMINISTRATIVE_ACTION", "free text\nand notes")),
    ],
)
async def test_free_text_is_sorted_from_the_catalogues_four_words(
    core: Core, kind: ActorKind, reason: str | None, notes: str | None, expected: tuple[str, str | None]
) -> None:
    user = await create(core)
    actor = Actor(kind, user.id if kind is ActorKind.USER else "somebody")

    after = await core.deactivate_user(
        DeactivateUserCommand(user.id, reason=reason, notes=notes), a_context(actor=actor)
    )

    assert (after.status.reason, after.status.notes) == (DeactivationReason(expected[0]), expected[1])
    assert after.status.state is AccountState.DEACTIVATED


@pytest.mark.parametrize("kind", [ActorKind.USER, ActorKind.SERVICE])
async def test_only_the_user_in_person_can_have_asked_for_it(core: Core, kind: ActorKind) -> None:
    """Another user may deactivate an account too, and a service may bear a user's id as its name."""
    user = await create(core)
    actor = Actor(kind, "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d" if kind is ActorKind.USER else user.id)

    after = await core.deactivate_user(DeactivateUserCommand(user.id), a_context(actor=actor))

    assert after.status.reason is DeactivationReason.ADMINISTRATIVE_ACTION


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"notes": "\x00"}, "notes"),
        ({"until": NOW}, "until"),
    ],
)
async def test_bad_remarks_are_refused(core: Core, command: dict[str, str], path: str) -> None:
    user = await create(core)

    with pytest.raises(ProfileInvalidError) as caught:
        await core.deactivate_user(DeactivateUserCommand(user.id, **command), a_context())  # type: ignore[arg-type]

    assert [violation.path for violation in caught.value.violations] == [(path,)]
    assert await core.ports.outbox.pending() == 1


async def test_doing_it_twice_is_doing_it_once(core: Core) -> None:
    user = await create(core)

    first = await core.deactivate_user(DeactivateUserCommand(user.id, reason="INACTIVITY"), a_context())
    again = await core.deactivate_user(DeactivateUserCommand(user.id, reason="other"), a_context())
    assert again == first
    back = await core.reactivate_user(ReactivateUserCommand(user.id, reason="asked"), a_context())
    assert await core.reactivate_user(ReactivateUserCommand(user.id), a_context()) == back

    assert (back.version, back.status.state, back.status.notes) == (3, AccountState.ACTIVE, "asked")
    messages = await core.ports.outbox.messages(after=0, limit=10)
    assert [one.message for one in messages] == ["UserCreated", "UserDeactivated", "UserReactivated"]


async def test_a_version_that_is_not_current_is_stale(core: Core) -> None:
    user = await create(core)

    with pytest.raises(StaleVersionError):
        await core.deactivate_user(DeactivateUserCommand(user.id, expected_version=2), a_context())
    with pytest.raises(StaleVersionError):
        await core.reactivate_user(ReactivateUserCommand(user.id, expected_version=2), a_context())


async def test_those_whose_time_has_come_come_back_and_no_others(core: Core, clock: SetClock) -> None:
    ends = {"a@example.com": 1, "b@example.com": 2, "c@example.com": None}
    users = {email: await create(core, email) for email in ends}
    for email, days in ends.items():
        until = None if days is None else NOW + timedelta(days=days)
        await core.deactivate_user(DeactivateUserCommand(users[email].id, until=until), a_context())

    assert await core.reactivate_due() == 0
    clock.advance(days=1)
    assert await core.reactivate_due() == 1
    assert await core.reactivate_due() == 0

    found = await core.ports.users.get_many([user.id for user in users.values()])
    states = [found[user.id].status.state for user in users.values()]
    assert states == [AccountState.ACTIVE, AccountState.DEACTIVATED, AccountState.DEACTIVATED]
    assert found[users["a@example.com"].id].status.actor == SYSTEM


async def test_a_deactivation_made_longer_meanwhile_stays(core: Core, clock: SetClock) -> None:
    """Whoever is due is looked at again before being brought back."""
    user = await create(core)
    await core.deactivate_user(DeactivateUserCommand(user.id, until=NOW + timedelta(days=1)), a_context())
    clock.advance(days=2)
    await core.reactivate_user(ReactivateUserCommand(user.id), a_context())
    await core.deactivate_user(DeactivateUserCommand(user.id, until=NOW + timedelta(days=9)), a_context())

    assert await core.reactivate_due._bring_back(user.id) is False

    found = (await core.ports.users.get_many([user.id]))[user.id]
    assert (found.version, found.status.state) == (4, AccountState.DEACTIVATED)


async def test_many_come_back_batch_by_batch(core: Core, clock: SetClock) -> None:
    for number in range(BATCH + 5):
        user = await create(core, f"u{number}@example.com")
        await core.deactivate_user(DeactivateUserCommand(user.id, until=NOW + timedelta(days=1)), a_context())
    clock.advance(days=1)

    assert [await core.reactivate_due() for _ in range(3)] == [BATCH, 5, 0]
