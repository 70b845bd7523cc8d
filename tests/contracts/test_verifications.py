"""What every VerificationWriter and VerificationReader promises, and what a change does to verifications."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve

from tests.builders import (
    IDS,
    NOW,
    OPERATOR,
    SECOND,
    MadeUpProofs,
    a_context,
    a_profile,
    change_of,
    creation,
    deactivation,
    update,
)
from tests.contracts.footprints import footprint, must_commit
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import Claim, ClaimLostError, IdempotencyKey, Settled
from usercore.kernel.secret import Secret
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.model import RequestId
from usercore.users.errors import StaleVersionError, UserNotFoundError
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.values import VerificationChannel
from usercore.verification.confirm_verification import ConfirmVerificationCommand
from usercore.verification.errors import VerificationFailedError, VerificationThrottledError
from usercore.verification.ports import NewVerification
from usercore.verification.records import VerificationConfirmed, VerificationRecord
from usercore.verification.start_verification import StartVerificationCommand
from usercore.verification.values import DEFAULT_VERIFICATION, Verification, VerificationState
from usercore.wiring.core import Ports, assemble

EMAIL, PHONE, IDENTITY = VerificationChannel
DAY = timedelta(days=1)


def a_verification(user: User, channel: VerificationChannel = EMAIL, **fields: Any) -> Verification:
    """Give a pending verification with hashes that nobody else has."""
    plain: dict[str, Any] = {
        "id": IDS.event_id(),
        "user_id": user.id,
        "channel": channel,
        "state": VerificationState.PENDING,
        "started_at": NOW,
        "contact_hash": b"\x00contact",
        "code_hash": b"\xffcode",
        "token_hash": uuid4().bytes,
        "code_expires_at": NOW + DEFAULT_VERIFICATION.code_lasts,
        "link_expires_at": NOW + DEFAULT_VERIFICATION.link_lasts,
    }
    return Verification(**(plain | fields))


def begun(user: User, verification: Verification | None = None, claim: Claim | None = None) -> NewVerification:
    return NewVerification(
        verification or a_verification(user),
        user,
        Secret("271828"),
        Secret("link-token"),
        DEFAULT_VERIFICATION,
        a_context(claim),
    )


@pytest.fixture
async def user(ports: Ports) -> User:
    change = creation(a_profile(phone_number="+4930123456", locale="de-CH"))
    await must_commit(ports, change)
    return change.user


async def started(ports: Ports, user: User, **fields: Any) -> Verification:
    verification = a_verification(user, **fields)
    await ports.verification_writer.start(begun(user, verification))
    return verification


async def state(ports: Ports, verification: Verification) -> VerificationState | None:
    found = await ports.verification_reader.get(verification.user_id, verification.id)
    return None if found is None else found.state


async def sent(ports: Ports) -> Sequence[Delivery]:
    """Take every delivery to the NotificationService, one after another."""
    found: list[Delivery] = []
    at = NOW + timedelta(days=365)
    lease = {"recipient": Recipient.NOTIFICATION, "now": at, "lease_until": at + SECOND, "limit": 100}
    while due := await ports.deliveries.claim(**lease):  # type: ignore[arg-type] # a lease, by name
        await ports.deliveries.acknowledge(due, now=at)
        found += due
    return found


async def test_what_was_started_is_found_as_it_was(ports: Ports, user: User) -> None:
    verification = await started(ports, user, request=b"\x01request")

    reader = ports.verification_reader
    assert await reader.get(user.id, verification.id) == verification
    assert verification.token_hash is not None
    assert await reader.by_token(verification.token_hash) == verification
    assert await reader.by_request(user.id, b"\x01request") == verification


async def test_nothing_else_is_found(ports: Ports, user: User) -> None:
    verification = await started(ports, user, request=b"\x01request")
    other = creation()
    await must_commit(ports, other)

    reader = ports.verification_reader
    for user_id, ident in (
        (other.user.id, verification.id),
        (user.id, IDS.event_id()),
        (user.id, EventId("no id")),
        (UserId("nobody"), verification.id),
        (user.id, EventId("\x00")),
    ):
        assert await reader.get(user_id, ident) is None
    assert await reader.by_token(b"another") is None
    assert await reader.by_request(other.user.id, b"\x01request") is None
    assert await reader.by_request(user.id, b"another") is None
    assert await reader.by_request(UserId("nobody"), b"\x01request") is None


async def test_of_several_that_a_request_began_the_latest_is_found(ports: Ports, user: User) -> None:
    await started(ports, user, request=b"r")
    latest = await started(ports, user, request=b"r", started_at=NOW + 2 * DAY, link_expires_at=NOW + 3 * DAY)

    assert await ports.verification_reader.by_request(user.id, b"r") == latest


async def test_the_message_with_code_and_link_is_due_with_it(ports: Ports, user: User) -> None:
    verification = await started(ports, user)

    [_, message] = await sent(ports)
    assert (message.operation, message.event_id) == (Operation.SEND_VERIFICATION, verification.id)
    assert (message.user_id, message.created_at) == (user.id, NOW)
    assert json.loads(message.secret.reveal() if message.secret else "") == {"code": "271828", "token": "link-token"}
    assert message.payload["email"] == user.profile.email.address
    assert message.payload["locale"] == "de-CH"


async def test_a_start_supersedes_what_is_pending_in_its_channel(ports: Ports, user: User) -> None:
    first = await started(ports, user)
    phone = await started(ports, user, channel=PHONE)
    later = NOW + timedelta(hours=2)
    second = await started(ports, user, started_at=later)

    ended = await ports.verification_reader.get(user.id, first.id)
    assert ended == evolve(first, state=VerificationState.SUPERSEDED, settled_at=later)
    assert [await state(ports, one) for one in (phone, second)] == [VerificationState.PENDING] * 2


async def test_a_start_too_soon_leaves_nothing_behind(ports: Ports, user: User) -> None:
    first = await started(ports, user)
    before = await footprint(ports, [user.id])
    again = a_verification(user, started_at=NOW + SECOND * 20)

    with pytest.raises(VerificationThrottledError) as caught:
        await ports.verification_writer.start(begun(user, again))

    assert caught.value.retry_after_s == 40
    assert await footprint(ports, [user.id]) == before
    assert await state(ports, again) is None
    assert await state(ports, first) is VerificationState.PENDING


async def test_another_channel_and_another_user_are_counted_by_themselves(ports: Ports, user: User) -> None:
    other = creation()
    await must_commit(ports, other)

    await started(ports, user)
    await started(ports, user, channel=PHONE)
    await started(ports, other.user)


async def test_of_many_who_ask_at_once_one_is_sent_a_code(ports: Ports, user: User) -> None:
    tries = [ports.verification_writer.start(begun(user)) for _ in range(20)]

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert [type(one) for one in answers if one is not None] == [VerificationThrottledError] * 19
    assert [one.operation for one in await sent(ports)].count(Operation.SEND_VERIFICATION) == 1


async def test_a_start_for_a_user_who_has_moved_on_is_refused(ports: Ports, user: User) -> None:
    await must_commit(ports, update(user, first_name="Ada"))

    with pytest.raises(StaleVersionError):
        await started(ports, user)


async def test_a_start_for_nobody_is_refused(ports: Ports, user: User) -> None:
    for user_id in (IDS.user_id(), UserId("nobody")):
        with pytest.raises(UserNotFoundError):
            await started(ports, evolve(user, id=user_id))


async def test_a_start_settles_its_claim_and_none_that_is_lost(ports: Ports, user: User) -> None:
    key = IdempotencyKey("caller:verify", "key-1", b"fingerprint")
    times = {"now": NOW, "lease_until": NOW + SECOND * 60, "expires_at": NOW + DAY}
    claim = await ports.ledger.claim(key, **times)
    assert isinstance(claim, Claim)

    await ports.verification_writer.start(begun(user, claim=claim))

    assert await ports.ledger.claim(key, **times) == Settled(user.id, user.version)
    phone = a_verification(user, PHONE)
    with pytest.raises(ClaimLostError):
        await ports.verification_writer.start(begun(user, phone, claim=evolve(claim, token="another")))
    assert await state(ports, phone) is None


async def test_a_guess_is_counted_and_told_what_there_is(ports: Ports, user: User) -> None:
    verification = await started(ports, user)
    guess = ports.verification_writer.guess

    assert await guess(user.id, verification.id, now=NOW, most=2) == evolve(verification, attempts=1)
    assert await guess(user.id, verification.id, now=NOW, most=2) == evolve(verification, attempts=2)
    assert await guess(user.id, verification.id, now=NOW, most=2) is None
    found = await ports.verification_reader.get(user.id, verification.id)
    assert found == evolve(verification, attempts=2)


async def test_fifty_who_guess_at_once_get_five_guesses(ports: Ports, user: User) -> None:
    verification = await started(ports, user)

    guesses = [ports.verification_writer.guess(user.id, verification.id, now=NOW, most=5) for _ in range(50)]
    told = [one for one in await asyncio.gather(*guesses) if one is not None]

    assert sorted(one.attempts for one in told) == [1, 2, 3, 4, 5]


async def test_a_guess_at_what_does_not_serve_is_told_nothing(ports: Ports, user: User) -> None:
    first = await started(ports, user)
    other = creation()
    await must_commit(ports, other)
    second = await started(ports, user, started_at=NOW + DAY / 2, link_expires_at=NOW + DAY)
    guess = ports.verification_writer.guess

    assert await guess(user.id, first.id, now=NOW, most=5) is None
    assert await guess(other.user.id, second.id, now=NOW, most=5) is None
    assert await guess(user.id, second.id, now=NOW + DAY, most=5) is None
    assert await guess(user.id, EventId("no id"), now=NOW, most=5) is None
    assert await guess(UserId("nobody"), second.id, now=NOW, most=5) is None
    found = await ports.verification_reader.get(user.id, second.id)
    assert found is not None
    assert found.attempts == 0


def verified(user: User, *records: VerificationRecord | VerificationConfirmed) -> Change:
    step = user.verify(EMAIL, now=user.updated_at + SECOND)
    return evolve(change_of(step), records=records)


async def test_a_confirmation_ends_all_of_its_channel_and_no_other(ports: Ports, user: User) -> None:
    phone, verification = await started(ports, user, channel=PHONE), await started(ports, user)
    change = verified(user, VerificationConfirmed(verification.id, EMAIL))

    await must_commit(ports, change)

    found = await ports.verification_reader.get(user.id, verification.id)
    ended = evolve(verification, state=VerificationState.CONFIRMED, settled_at=change.user.updated_at)
    assert found == ended
    assert await state(ports, phone) is VerificationState.PENDING


async def test_what_somebody_else_verified_is_kept_and_ends_what_is_pending(ports: Ports, user: User) -> None:
    pending = await started(ports, user)
    recorded = Verification(
        id=IDS.event_id(),
        user_id=user.id,
        channel=EMAIL,
        state=VerificationState.CONFIRMED,
        started_at=NOW,
        contact_hash=b"\x00contact",
        settled_at=NOW - DAY,
        verifier="PostIdent 'é𐐷'",
        reference="case-17",
        request=b"\x01request",
    )

    await must_commit(ports, verified(user, VerificationRecord(recorded), VerificationConfirmed(recorded.id, EMAIL)))

    assert await ports.verification_reader.get(user.id, recorded.id) == recorded
    assert await ports.verification_reader.by_request(user.id, b"\x01request") == recorded
    assert await state(ports, pending) is VerificationState.CANCELLED


async def test_a_refused_change_ends_nothing(ports: Ports, user: User) -> None:
    verification = await started(ports, user)
    change = verified(user, VerificationConfirmed(verification.id, EMAIL))
    await must_commit(ports, update(user, first_name="Ada"))

    [refusal] = await ports.writer.commit([change])

    assert isinstance(refusal, StaleVersionError)
    assert await state(ports, verification) is VerificationState.PENDING


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (lambda user: update(user, email=evolve(user.profile.email, canonical="other@example.com")), {EMAIL}),
        (lambda user: update(user, email=evolve(user.profile.email, address="OTHER@example.com")), set()),
        (lambda user: update(user, phone_number=None), {PHONE}),
        (lambda user: update(user, first_name="Ada"), set()),
        (deactivation, {EMAIL, PHONE}),
    ],
    ids=["another email", "another spelling", "no phone", "another name", "deactivated"],
)
async def test_a_change_ends_the_verifications_of_what_it_changes(
    ports: Ports, user: User, change: Any, ended: set[VerificationChannel]
) -> None:
    pending = [await started(ports, user), await started(ports, user, channel=PHONE)]
    bystander = creation()
    await must_commit(ports, bystander)
    others = await started(ports, bystander.user)

    await must_commit(ports, change(user))

    for one in pending:
        wanted = VerificationState.CANCELLED if one.channel in ended else VerificationState.PENDING
        assert await state(ports, one) is wanted
    assert await state(ports, others) is VerificationState.PENDING


async def test_a_new_user_begins_with_a_link_in_the_first_mail(ports: Ports) -> None:
    change = creation()
    link = a_verification(change.user, code_hash=None, code_expires_at=None)
    token = Secret("first-link")

    await must_commit(ports, evolve(change, records=(VerificationRecord(link, token),)))

    assert await ports.verification_reader.get(change.user.id, link.id) == link
    assert link.token_hash is not None
    assert await ports.verification_reader.by_token(link.token_hash) == link
    [mail] = await sent(ports)
    assert mail.secret is not None
    assert json.loads(mail.secret.reveal()) == {"verificationToken": "first-link"}
    # It counts as no start, so that whoever signs up can be sent a code at once.
    await started(ports, change.user)
    assert await state(ports, link) is VerificationState.SUPERSEDED


async def test_a_refused_creation_leaves_no_link_behind(ports: Ports, user: User) -> None:
    rival = creation(user.profile)
    link = a_verification(rival.user)

    [refusal] = await ports.writer.commit([evolve(rival, records=(VerificationRecord(link, Secret("x")),))])

    assert refusal is not None
    assert await state(ports, link) is None


async def test_an_erasure_leaves_none(ports: Ports, user: User) -> None:
    pending, bystander = await started(ports, user), creation()
    await must_commit(ports, bystander)
    other = await started(ports, bystander.user)
    step = change_of(user.erase(now=NOW + SECOND, actor=OPERATOR))

    await must_commit(ports, evolve(step, records=(ErasureRecord(user.id, step.event_id, RequestId(IDS.event_id())),)))

    assert await state(ports, pending) is None
    assert await state(ports, other) is VerificationState.PENDING


async def test_old_ones_are_forgotten_a_few_at_a_time_but_those_of_identities(ports: Ports, user: User) -> None:
    old = [await started(ports, user, started_at=NOW - DAY * number) for number in (9, 8, 7)]
    recorded = Verification(IDS.event_id(), user.id, IDENTITY, VerificationState.CONFIRMED, NOW - DAY * 9)
    await must_commit(ports, verified(user, VerificationRecord(recorded)))
    purge = ports.verification_writer.purge

    assert await purge(NOW - DAY * 7, limit=1) == 1
    assert await purge(NOW - DAY * 7, limit=10) == 1
    assert await purge(NOW - DAY * 7, limit=10) == 0

    left = [await ports.verification_reader.get(user.id, one.id) is not None for one in (*old, recorded)]
    assert left == [False, False, True, True]


async def test_of_many_who_confirm_at_once_one_does(ports: Ports) -> None:
    proofs = MadeUpProofs()
    core = assemble(evolve(ports, proofs=proofs), verification=evolve(DEFAULT_VERIFICATION, attempts=20))
    change = creation()
    await must_commit(ports, change)
    user = change.user
    pending = await core.start_verification(StartVerificationCommand(user.id, EMAIL), a_context())
    command = ConfirmVerificationCommand(user.id, pending.id, Secret("000001"))

    tries = (core.confirm_verification(command, a_context()) for _ in range(20))
    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert [one.version for one in answers if isinstance(one, User)] == [2]
    assert [type(one) for one in answers if not isinstance(one, User)] == [VerificationFailedError] * 19
    events = [one.message for one in await ports.history.entries(user.id, below_version=None, limit=10)]
    assert events == ["UserVerified", "UserCreated"]
