"""CreateUser, over memory."""

import json

import pytest

from tests.builders import NOW, OPERATOR, a_context
from usercore.delivery.values import Operation, Recipient
from usercore.kernel.errors import UserCoreError
from usercore.kernel.secret import Secret
from usercore.users.create_user import CreateUserCommand
from usercore.users.errors import EmailTakenError, ProfileInvalidError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.values import AccountState
from usercore.wiring.core import Core


def grace(email: str = "Grace@Example.com", password: str | None = None) -> CreateUserCommand:
    profile = ProfilePatch(email=email, first_name="Grace", last_name="Hopper")
    return CreateUserCommand(profile, None if password is None else Secret(password))


LINK = json.dumps({"verificationToken": f"{1:043}"}, separators=(",", ":"))
"""What the first mail to the first user carries."""


async def told(core: Core) -> list[tuple[Recipient, Operation, str | None]]:
    while await core.deliver_pending():
        pass
    calls = core.ports.authentication.calls  # type: ignore[attr-defined]
    return [(one.recipient, one.operation, one.secret and one.secret.reveal()) for one in calls]


async def test_a_user_is_created_and_can_be_read(core: Core) -> None:
    user = await core.create_user(grace(), a_context())

    assert (user.version, user.status.state, user.status.actor) == (1, AccountState.ACTIVE, OPERATOR)
    assert (user.created_at, user.updated_at) == (NOW, NOW)
    assert user.profile.email.canonical == "grace@example.com"
    document = await core.read_profile(user.id)
    assert json.loads(document.body)["email"] == "Grace@Example.com"


async def test_with_a_password_the_credential_is_provisioned_and_the_user_welcomed(core: Core) -> None:
    await core.create_user(grace(password="correct horse"), a_context())

    assert await told(core) == [
        (Recipient.AUTHENTICATION, Operation.PROVISION_CREDENTIAL, "$argon2id$v=19$made-up$13"),
        (Recipient.NOTIFICATION, Operation.SEND_WELCOME, LINK),
        (Recipient.AUDIT, Operation.RECORD_ENTRY, None),
    ]


async def test_without_a_password_the_user_is_invited_to_choose_one(core: Core) -> None:
    await core.create_user(grace(), a_context())

    assert await told(core) == [
        (Recipient.AUTHENTICATION, Operation.PROVISION_CREDENTIAL, None),
        (Recipient.NOTIFICATION, Operation.SEND_INVITATION, LINK),
        (Recipient.AUDIT, Operation.RECORD_ENTRY, None),
    ]


async def test_the_password_is_kept_nowhere(core: Core) -> None:
    user = await core.create_user(grace(password="canary horse"), a_context())

    entries = await core.ports.history.entries(user.id, below_version=None, limit=9)
    messages = await core.ports.outbox.messages(after=0, limit=9)
    shown = repr(
        (user, entries, [(entry.changes, entry) for entry in entries], messages, [m.payload for m in messages])
    )
    assert "canary" not in shown
    assert "argon2id" not in shown


async def test_an_email_serves_one_user(core: Core) -> None:
    await core.create_user(grace("grace@example.com"), a_context())

    with pytest.raises(EmailTakenError):
        await core.create_user(grace("GRACE@EXAMPLE.COM"), a_context())

    assert await core.ports.outbox.pending() == 1


async def test_a_bad_profile_and_a_bad_password_are_named_at_once(core: Core) -> None:
    command = CreateUserCommand(ProfilePatch(email="no", first_name="Grace", last_name="Hopper"), Secret("short"))

    with pytest.raises(ProfileInvalidError) as caught:
        await core.create_user(command, a_context())

    found = [(violation.path, violation.code) for violation in caught.value.violations]
    assert found == [(("email",), "email_invalid"), (("password",), "too_short")]
    assert await core.ports.outbox.pending() == 0


async def test_a_bad_password_alone_is_named(core: Core) -> None:
    with pytest.raises(ProfileInvalidError) as caught:
        await core.create_user(grace(password="short12"), a_context())

    assert [violation.path for violation in caught.value.violations] == [("password",)]


async def test_of_many_each_succeeds_or_is_refused_by_itself(core: Core) -> None:
    commands = [grace("a@example.com"), grace("no"), grace("A@example.com"), grace("b@example.com", "short")]
    commands.append(grace("c@example.com"))

    outcomes = await core.create_user.many(commands, [a_context()] * 5)

    assert [type(one) for one in outcomes] == [
        User,
        ProfileInvalidError,
        EmailTakenError,
        ProfileInvalidError,
        User,
    ]
    created = [one for one in outcomes if not isinstance(one, UserCoreError)]
    assert [one.profile.email.address for one in created] == ["a@example.com", "c@example.com"]
    assert await core.ports.outbox.pending() == 2


async def test_many_of_none_is_none(core: Core) -> None:
    assert list(await core.create_user.many([], [])) == []
