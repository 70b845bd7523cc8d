"""Verifications over memory: started, confirmed, recorded, and what ends them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, OPERATOR, SetClock, a_context
from tests.http.states import erase
from usercore.adapters.memory.database import MemoryDatabase
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import UserDeactivatedError, UserErasedError, UserNotFoundError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.reactivate_user import ReactivateUserCommand
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.errors import (
    ContactMissingError,
    VerificationFailedError,
    VerificationInvalidError,
    VerificationThrottledError,
)
from usercore.verification.record_verification import RecordVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand
from usercore.verification.values import DEFAULT_VERIFICATION, Verification, VerificationState
from usercore.wiring.core import Core, assemble

EMAIL, PHONE, IDENTITY = VerificationChannel
WRONG = Secret("999999")
SOMEBODY = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")


def database_of(core: Core) -> MemoryDatabase:
    database: MemoryDatabase = core.ports.history.database  # type: ignore[attr-defined]
    return database


@pytest.fixture
async def user(core: Core) -> User:
    profile = ProfilePatch(
        email="Grace@Example.com", first_name="Grace", last_name="Hopper", phone_number="+4930123456"
    )
    return await core.create_user(CreateUserCommand(profile), a_context())


async def told(core: Core, operation: Operation) -> list[Delivery]:
    while await core.deliver_pending():
        pass
    calls: tuple[Delivery, ...] = core.ports.notification.calls  # type: ignore[attr-defined]
    return [call for call in calls if call.operation is operation]


async def proofs(core: Core) -> dict[str, Any]:
    """Give code and token of the last message."""
    secret = (await told(core, Operation.SEND_VERIFICATION))[-1].secret
    assert secret is not None
    found: dict[str, Any] = json.loads(secret.reveal())
    return found


async def start(core: Core, user: User, channel: VerificationChannel = EMAIL) -> tuple[Verification, Secret, Secret]:
    """Start a verification and give it with its code and token."""
    started = await core.start_verification(StartVerificationCommand(user.id, channel), a_context())
    sent = await proofs(core)
    return started, Secret(sent["code"]), Secret(sent["token"])


async def confirm(core: Core, user_id: str, verification_id: str, proof: Secret, *, by_link: bool = False) -> User:
    command = ConfirmVerificationCommand(UserId(user_id), EventId(verification_id), proof, by_link)
    return await core.confirm_verification(command, a_context())


async def follow(core: Core, token: Secret) -> Verification:
    return await core.confirm_by_link(ConfirmByLinkCommand(token), a_context())


async def test_a_start_sends_code_and_link_to_the_contact_as_it_stands(core: Core, user: User) -> None:
    started, _, _ = await start(core, user)
    [delivery] = await told(core, Operation.SEND_VERIFICATION)
    assert delivery.event_id == started.id
    assert delivery.payload == {
        "verificationId": started.id,
        "channel": "email",
        "email": "Grace@Example.com",
        "firstName": "Grace",
        "locale": None,
        "expiresAt": (NOW + timedelta(minutes=15)).isoformat(),
        "linkExpiresAt": (NOW + timedelta(hours=24)).isoformat(),
    }
    assert json.loads(delivery.secret.reveal() if delivery.secret else "").keys() == {"code", "token"}


async def test_a_phone_is_told_on_the_phone(core: Core, user: User) -> None:
    await start(core, user, PHONE)
    [delivery] = await told(core, Operation.SEND_VERIFICATION)
    assert delivery.payload["phoneNumber"] == "+4930123456"
    assert "email" not in delivery.payload


async def test_neither_code_nor_token_nor_contact_is_kept(core: Core, user: User) -> None:
    _, code, token = await start(core, user)
    kept = repr(
        [(one, one.contact_hash, one.code_hash, one.token_hash) for one in database_of(core).verifications.values()]
    )
    for secret in (code.reveal(), token.reveal(), "grace@example.com"):
        assert secret not in kept


@pytest.mark.parametrize("by_link", [False, True])
@pytest.mark.parametrize("channel", [EMAIL, PHONE])
async def test_the_right_proof_verifies_the_contact_and_announces_it(
    core: Core, user: User, clock: SetClock, channel: VerificationChannel, by_link: bool
) -> None:
    started, code, token = await start(core, user, channel)
    clock.advance(minutes=5)
    after = await confirm(core, user.id, started.id, token if by_link else code, by_link=by_link)
    assert after.version == 2
    assert getattr(after.verification, channel.value) == clock.time
    message = database_of(core).outbox[-1]
    assert (message.message, message.topic) == ("UserVerified", "user-verified")
    assert json.loads(message.payload) == {
        "userId": user.id,
        "channel": channel.value,
        "verifiedAt": "2026-03-01T12:05:00.123456Z",
    }
    kept = await core.ports.verification_reader.get(user.id, started.id)
    assert kept is not None
    assert (kept.state, kept.settled_at) == (VerificationState.CONFIRMED, clock.time)


async def test_a_link_alone_is_proof_enough_and_its_user_is_the_one_who_acts(core: Core, user: User) -> None:
    _, _, token = await start(core, user)
    verified = await follow(core, token)
    assert (verified.channel, verified.settled_at, verified.state) == (EMAIL, NOW, VerificationState.CONFIRMED)
    entry = database_of(core).history[user.id][-1]
    assert entry.actor == Actor(ActorKind.USER, user.id)


async def test_the_first_mail_to_a_user_carries_a_link_that_works(core: Core, user: User) -> None:
    [mail] = await told(core, Operation.SEND_INVITATION)
    assert mail.secret is not None
    verified = await follow(core, Secret(json.loads(mail.secret.reveal())["verificationToken"]))
    assert (verified.user_id, verified.channel) == (user.id, EMAIL)


async def test_without_links_at_creation_the_first_mail_carries_none(core: Core) -> None:
    bare = assemble(core.ports, verification=evolve(DEFAULT_VERIFICATION, with_creation=False))
    profile = ProfilePatch(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    await bare.create_user(CreateUserCommand(profile), a_context())
    [mail] = await told(bare, Operation.SEND_INVITATION)
    assert mail.secret is None
    assert database_of(bare).verifications == {}


async def test_a_proof_serves_once(core: Core, user: User) -> None:
    started, code, token = await start(core, user)
    await confirm(core, user.id, started.id, code)
    for again, by_link in ((code, False), (token, True)):
        with pytest.raises(VerificationFailedError):
            await confirm(core, user.id, started.id, again, by_link=by_link)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    assert database_of(core).users[user.id].version == 2


async def test_after_five_wrong_guesses_the_right_code_and_the_link_are_wrong_as_well(core: Core, user: User) -> None:
    started, code, token = await start(core, user)
    for _ in range(5):
        with pytest.raises(VerificationFailedError):
            await confirm(core, user.id, started.id, WRONG)
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, code)
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, token, by_link=True)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)


async def test_the_fifth_guess_may_still_be_right(core: Core, user: User) -> None:
    started, code, _ = await start(core, user)
    for _ in range(4):
        with pytest.raises(VerificationFailedError):
            await confirm(core, user.id, started.id, WRONG)
    assert (await confirm(core, user.id, started.id, code)).verification.email == NOW


async def test_a_code_serves_15_minutes_and_the_link_a_day(core: Core, user: User, clock: SetClock) -> None:
    started, code, token = await start(core, user)
    clock.advance(minutes=15)
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, code)
    clock.advance(hours=23, minutes=44, seconds=59)
    assert (await follow(core, token)).state is VerificationState.CONFIRMED
    started, _, token = await start(core, user)
    clock.advance(hours=24)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, token, by_link=True)


async def test_a_new_start_takes_the_place_of_the_one_before_in_its_channel_alone(
    core: Core, user: User, clock: SetClock
) -> None:
    first, code, token = await start(core, user)
    phone, phone_code, _ = await start(core, user, PHONE)
    clock.advance(minutes=1)
    second, new_code, _ = await start(core, user)
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, first.id, code)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    await confirm(core, user.id, phone.id, phone_code)
    await confirm(core, user.id, second.id, new_code)


async def test_another_users_verification_answers_as_one_that_nobody_knows(core: Core, user: User) -> None:
    profile = ProfilePatch(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    other = await core.create_user(CreateUserCommand(profile), a_context())
    started, code, _ = await start(core, user)
    answers = []
    for user_id, verification_id in ((other.id, started.id), (user.id, SOMEBODY), (user.id, "no id")):
        with pytest.raises(VerificationFailedError) as caught:
            await confirm(core, user_id, verification_id, code)
        answers.append((type(caught.value), str(caught.value), caught.value.violations))
    assert len(set(answers)) == 1
    kept = await core.ports.verification_reader.get(user.id, started.id)
    assert kept is not None
    assert kept.attempts == 0


async def test_a_changed_contact_ends_its_verifications_and_no_others(core: Core, user: User) -> None:
    email, code, token = await start(core, user)
    phone, phone_code, _ = await start(core, user, PHONE)
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(email="other@example.com")), a_context())
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, email.id, code)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(email="grace@example.com")), a_context())
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    assert (await confirm(core, user.id, phone.id, phone_code)).verification.phone == NOW


async def test_another_spelling_of_the_same_address_ends_nothing(core: Core, user: User) -> None:
    started, code, _ = await start(core, user)
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(email="grace@example.com")), a_context())
    assert (await confirm(core, user.id, started.id, code)).verification.email == NOW


async def test_the_end_of_an_account_ends_its_verifications(core: Core, user: User) -> None:
    started, code, token = await start(core, user)
    await core.deactivate_user(DeactivateUserCommand(user.id), a_context())
    with pytest.raises(UserDeactivatedError):
        await start(core, user)
    with pytest.raises(UserDeactivatedError):
        await confirm(core, user.id, started.id, code)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)
    await core.reactivate_user(ReactivateUserCommand(user.id), a_context())
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, code)


async def test_the_absent_and_the_erased_are_not_verified(core: Core, user: User) -> None:
    started, code, token = await start(core, user)
    with pytest.raises(UserNotFoundError):
        await core.start_verification(StartVerificationCommand(SOMEBODY, EMAIL), a_context())
    erase(database_of(core), user.id)
    with pytest.raises(UserErasedError):
        await core.start_verification(StartVerificationCommand(user.id, EMAIL), a_context())
    with pytest.raises(UserErasedError):
        await confirm(core, user.id, started.id, code)
    with pytest.raises(VerificationFailedError):
        await follow(core, token)


async def test_who_has_no_phone_cannot_verify_one(core: Core, user: User) -> None:
    await core.update_user(UpdateUserCommand(user.id, ProfilePatch(phone_number=None)), a_context())
    with pytest.raises(ContactMissingError):
        await core.start_verification(StartVerificationCommand(user.id, PHONE), a_context())


async def test_an_identity_is_not_verified_by_a_code(core: Core, user: User) -> None:
    with pytest.raises(VerificationInvalidError):
        await core.start_verification(StartVerificationCommand(user.id, IDENTITY), a_context())


async def test_asking_too_often_is_refused_with_the_time_to_wait(core: Core, user: User, clock: SetClock) -> None:
    first, code, _ = await start(core, user)
    clock.advance(seconds=20)
    with pytest.raises(VerificationThrottledError) as caught:
        await start(core, user)
    assert caught.value.retry_after_s == 40
    assert len(await told(core, Operation.SEND_VERIFICATION)) == 1
    await start(core, user, PHONE)
    await confirm(core, user.id, first.id, code)


async def test_limits_survive_a_confirmation(core: Core, user: User, clock: SetClock) -> None:
    for _ in range(DEFAULT_VERIFICATION.per_hour):
        started, code, _ = await start(core, user)
        await confirm(core, user.id, started.id, code)
        clock.advance(minutes=1)
    with pytest.raises(VerificationThrottledError):
        await start(core, user)


async def test_an_identity_is_verified_as_its_verifier_says(core: Core, user: User) -> None:
    at = NOW - timedelta(days=3)
    command = RecordVerificationCommand(user.id, IDENTITY, " PostIdent ", "case-17", at)
    recorded = await core.record_verification(command, a_context())
    assert (recorded.verifier, recorded.reference, recorded.settled_at) == ("PostIdent", "case-17", at)
    after = database_of(core).users[user.id]
    assert (after.version, after.verification.identity) == (2, at)
    assert database_of(core).verifications[recorded.id] == recorded
    assert json.loads(database_of(core).outbox[-1].payload)["verifiedAt"] == "2026-02-26T12:00:00.123456Z"


async def test_an_operator_may_vouch_for_a_contact_which_ends_what_is_pending(core: Core, user: User) -> None:
    started, code, _ = await start(core, user)
    await core.record_verification(RecordVerificationCommand(user.id, EMAIL, "operator", "seen in person"), a_context())
    after = database_of(core).users[user.id]
    assert after.verification.email == NOW
    assert database_of(core).history[user.id][-1].actor == OPERATOR
    with pytest.raises(VerificationFailedError):
        await confirm(core, user.id, started.id, code)


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"verifier": " "}, ("verifier", "too_short")),
        ({"verifier": "x" * 101}, ("verifier", "too_long")),
        ({"reference": "a\nb"}, ("reference", "control_character")),
        ({"verified_at": NOW + timedelta(minutes=2)}, ("verified_at", "in_future")),
    ],
)
async def test_what_cannot_be_recorded_is_refused_by_field(
    core: Core, user: User, fields: dict[str, Any], broken: tuple[str, str]
) -> None:
    command = RecordVerificationCommand(user.id, IDENTITY, "PostIdent", "case-17")
    with pytest.raises(VerificationInvalidError) as caught:
        await core.record_verification(evolve(command, **fields), a_context())
    assert [(one.path[0], one.code) for one in caught.value.violations] == [broken]
    assert database_of(core).users[user.id].version == 1


async def test_old_verifications_are_forgotten_but_those_of_identities(core: Core, user: User, clock: SetClock) -> None:
    await start(core, user)
    identity = RecordVerificationCommand(user.id, IDENTITY, "PostIdent", "case-17")
    recorded = await core.record_verification(identity, a_context())
    clock.advance(days=30)
    assert await core.purge_verifications() == 0
    clock.advance(microseconds=1)
    assert await core.purge_verifications() == 2
    assert list(database_of(core).verifications) == [recorded.id]
