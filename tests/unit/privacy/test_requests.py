"""Privacy requests from their receipt to their end, over memory."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from attrs import define, evolve

from tests.builders import OPERATOR, SetClock, a_context
from usercore.delivery.values import Recipient as Service
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.privacy.mailing.values import SuppressionReason
from usercore.privacy.requests.errors import (
    ArchiveGoneError,
    ErasureUnderWayError,
    HoldNotFoundError,
    IdentityNeededError,
    LedgerBrokenError,
    RequestClosedError,
    RequestInvalidError,
    RequestNotFoundError,
    RequestStateError,
    UserHeldError,
)
from usercore.privacy.requests.ledger import ErasedPerson
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.model import ErasureStep, PrivacyRequest, Recipient, RequestId
from usercore.privacy.requests.values import Jurisdiction, RefusalGround, RequestKind, RequestState
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import ProfileInvalidError, UserErasedError, UserNotFoundError, UserRestrictedError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState
from usercore.wiring.core import Core, assemble

K, S = RequestKind, RequestState


@pytest.fixture
async def user(core: Core) -> User:
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), a_context())


def by(user: User) -> CommandContext:
    return a_context(actor=Actor(ActorKind.USER, user.id))


async def ask(core: Core, user: User, kind: RequestKind, **more: Any) -> PrivacyRequest:
    """Ask as the person does who has just signed in."""
    command = MakePrivacyRequestCommand(user.id, kind, **({"signed_in": True} | more))
    return await core.make_privacy_request(command, by(user))


async def go_on(core: Core) -> None:
    while await core.advance_requests():
        pass


async def now_of(core: Core, request: PrivacyRequest) -> PrivacyRequest:
    return await core.get_privacy_request(request.id)


async def tell_everybody(core: Core) -> None:
    """Deliver and publish everything that waits."""
    for service in Service:
        while await core.deliver_pending(service):
            pass

    async def publish(_: object) -> Any:
        return core.ports.clock.now()

    while await core.ports.shards.drain(publish, shards=64, limit=1000, patience_s=1):
        pass


async def test_who_has_just_signed_in_needs_no_further_proof_and_others_wait_for_an_operator(
    core: Core, user: User
) -> None:
    assert (await ask(core, user, K.ACCESS)).state is S.ACCEPTED
    waiting = await ask(core, user, K.ERASURE, signed_in=False)
    assert waiting.state is S.IDENTITY_PENDING
    await go_on(core)
    assert (await now_of(core, waiting)).state is S.IDENTITY_PENDING
    known = await core.verify_requester(waiting.id, "passport seen at the desk", a_context())
    assert (known.state, known.identity and known.identity.by) == (S.ACCEPTED, OPERATOR)
    assert await core.verify_requester(waiting.id, "again", a_context()) == known


async def test_an_operator_may_bring_proof_along_and_nobody_else_may(core: Core, user: User) -> None:
    command = MakePrivacyRequestCommand(user.id, K.ACCESS, identity_note="called back")
    own = await core.make_privacy_request(command, by(user))
    assert own.state is S.IDENTITY_PENDING
    brought = await core.make_privacy_request(evolve(command, kind=K.ERASURE), a_context())
    assert brought.state is S.ACCEPTED


async def test_asking_twice_finds_the_request_that_is_open(core: Core, user: User) -> None:
    first = await ask(core, user, K.RESTRICTION)
    assert await ask(core, user, K.RESTRICTION) == first
    await go_on(core)
    assert (await ask(core, user, K.RESTRICTION)).id != first.id


async def test_what_cannot_be_asked_is_refused(core: Core, user: User) -> None:
    bad: list[dict[str, Any]] = [
        {"kind": K.RECTIFICATION},
        {"kind": K.ACCESS, "patch": ProfilePatch(first_name="Ada")},
        {"kind": K.ACCESS, "text": " "},
    ]
    for fields in bad:
        with pytest.raises(RequestInvalidError):
            await ask(core, user, **fields)
    with pytest.raises(ProfileInvalidError):
        await ask(core, user, K.RECTIFICATION, patch=ProfilePatch(phone_number="canary"))
    with pytest.raises(UserNotFoundError):
        await ask(core, evolve(user, id=UserId("nobody")), K.ACCESS)
    assert (await core.list_privacy_requests.of_user(user.id, after=None, limit=10)).items == ()


async def test_access_ends_in_an_archive_that_is_the_persons_alone_and_expires(
    core: Core, clock: SetClock, user: User
) -> None:
    request = await ask(core, user, K.ACCESS)
    with pytest.raises(ArchiveGoneError):
        await core.fetch_archive(user.id, request.id)
    await go_on(core)
    done = await now_of(core, request)
    assert (done.state, done.archive_until) == (S.COMPLETED, clock.now() + timedelta(days=7))
    with ZipFile(BytesIO(await core.fetch_archive(user.id, request.id))) as archive:
        [profile] = json.loads(archive.read("profile.json"))["records"]
    assert profile["email"] == "grace@example.com"
    with pytest.raises(RequestNotFoundError):
        await core.fetch_archive((await another(core)).id, request.id)
    clock.advance(days=7)
    with pytest.raises(ArchiveGoneError):
        await core.fetch_archive(user.id, request.id)


async def another(core: Core) -> User:
    profile = ProfilePatch(email="ada@example.com", first_name="Ada", last_name="Lovelace")
    return await core.create_user(CreateUserCommand(profile), a_context())


async def test_a_restriction_keeps_everybody_from_changing_the_data_until_it_is_lifted(core: Core, user: User) -> None:
    await ask(core, user, K.RESTRICTION)
    await go_on(core)
    change = UpdateUserCommand(user.id, ProfilePatch(first_name="Ada"))
    with pytest.raises(UserRestrictedError):
        await core.update_user(change, a_context())
    await ask(core, user, K.RECTIFICATION, patch=ProfilePatch(first_name="Amazing"))
    await go_on(core)
    with pytest.raises(UserRestrictedError):
        await core.lift_restriction(user.id, a_context())
    lifted = await core.lift_restriction(user.id, evolve(a_context(), for_privacy=True))
    assert (lifted.restricted, lifted.profile.first_name) == (False, "Amazing")
    await core.update_user(change, a_context())


async def test_a_rectification_in_words_waits_for_somebody_who_understands_them(core: Core, user: User) -> None:
    request = await ask(core, user, K.RECTIFICATION, text="my name has an accent")
    await go_on(core)
    assert (await now_of(core, request)).state is S.ACCEPTED
    done = await core.complete_request(request.id, "corrected by hand", a_context())
    assert (done.state, done.outcome) == (S.COMPLETED, "corrected by hand")
    assert await core.complete_request(request.id, "twice", a_context()) == done


async def test_what_the_service_cannot_do_is_left_to_an_operator_with_the_reason(core: Core, user: User) -> None:
    other = await another(core)
    request = await ask(core, user, K.RECTIFICATION, patch=ProfilePatch(email="ada@example.com"))
    await go_on(core)
    left = await now_of(core, request)
    assert (left.state, left.trouble) == (S.IN_PROGRESS, "email_taken")
    move = ProfilePatch(email="elsewhere@example.com")
    await core.update_user(UpdateUserCommand(other.id, move), a_context())
    done = await core.advance_requests.one(request.id, a_context())
    assert (done.state, done.trouble) == (S.COMPLETED, None)


async def test_an_objection_ends_marketing_at_once_even_for_a_deactivated_user(core: Core, user: User) -> None:
    await core.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
    await core.register_topic(RegisterTopicCommand("orders", "Orders", "1", mandatory=True))
    on = UpdateEmailPreferencesCommand(user.id, {"news": PreferenceChoice(subscribed=True)})
    await core.update_email_preferences(on, a_context())
    await core.record_consent(RecordConsentCommand(user.id, "sale", given=True), a_context())
    await core.deactivate_user(DeactivateUserCommand(user.id), a_context())
    await ask(core, user, K.OBJECTION)
    await go_on(core)
    held = await core.get_email_preferences(user.id)
    assert {one.topic.name: one.subscribed for one in held.topics} == {"news": False, "orders": True}
    assert not (await core.ports.consents.latest(user.id))["sale"].consent.given


async def test_an_opt_out_of_sale_needs_no_proof_and_is_done_at_once(core: Core, user: User) -> None:
    request = await ask(core, user, K.OPT_OUT_OF_SALE, signed_in=False, jurisdiction=Jurisdiction.CCPA)
    await go_on(core)
    assert (await now_of(core, request)).state is S.COMPLETED
    assert not (await core.ports.consents.latest(user.id))["sale"].consent.given


async def test_operators_extend_refuse_and_cancel_and_twice_is_once(core: Core, user: User) -> None:
    request = await ask(core, user, K.RECTIFICATION, text="something")
    longer = await core.extend_request(request.id, "many systems", a_context())
    assert longer.due_at > request.due_at
    assert await core.extend_request(request.id, "many systems", a_context()) == longer
    refused = await core.refuse_request(request.id, RefusalGround.ACCURATE_ALREADY, "it is right", a_context())
    assert await core.refuse_request(request.id, RefusalGround.ACCURATE_ALREADY, "still", a_context()) == refused
    with pytest.raises(RequestClosedError):
        await core.cancel_request(request.id, a_context())
    other = await ask(core, user, K.ACCESS, signed_in=False)
    with pytest.raises(IdentityNeededError):
        await core.complete_request(other.id, "sent", a_context())
    cancelled = await core.cancel_request(other.id, by(user))
    assert await core.cancel_request(other.id, by(user)) == cancelled
    told = [row.delivery.payload for row in core.ports.users.database.deliveries.values()]  # type: ignore[attr-defined]
    assert [one["outcome"] for one in told if "outcome" in one] == ["EXTENDED", "REFUSED"]


async def test_an_erasure_goes_through_every_step_and_ends_with_every_receipt(core: Core, user: User) -> None:
    other = await ask(core, user, K.ACCESS)
    request = await ask(core, user, K.ERASURE, text="forget me")
    with pytest.raises(RequestStateError):
        await core.complete_request(request.id, "by hand", a_context())
    await core.advance_requests.one(request.id, a_context())
    begun = await now_of(core, request)
    assert begun.erasure is not None
    assert begun.erasure.step is ErasureStep.DRAIN
    with pytest.raises(ErasureUnderWayError):
        await core.cancel_request(request.id, by(user))
    await tell_everybody(core)
    await core.advance_requests.one(request.id, a_context())
    with pytest.raises(UserErasedError):
        await core.get_privacy_request.of_user(user.id, request.id)
    waiting = await now_of(core, request)
    assert (waiting.state, waiting.erasure and waiting.erasure.receipts) == (S.IN_PROGRESS, {})
    await tell_everybody(core)
    done = await core.advance_requests.one(request.id, a_context())
    assert done.state is S.COMPLETED
    assert done.erasure is not None
    assert set(done.erasure.receipts) == set(Recipient)
    assert (done.asked.text, done.erasure.ledger_sequence, done.erasure.dropped) == (None, 1, 0)
    assert (await now_of(core, other)).state is S.CANCELLED
    assert await core.advance_requests.one(request.id, a_context()) == done
    assert [one.reason for one in await core.check_suppression("Grace@example.com")] == [SuppressionReason.ERASED]


async def test_what_does_not_go_out_in_time_is_dropped_and_counted(core: Core, clock: SetClock, user: User) -> None:
    request = await ask(core, user, K.ERASURE)
    await go_on(core)
    clock.advance(minutes=11)
    await go_on(core)
    after = await now_of(core, request)
    assert after.erasure is not None
    assert after.erasure.step is ErasureStep.RECEIPTS
    assert after.erasure.dropped == 5
    left = {(one.message, one.user_id) for one in await core.ports.outbox.messages(after=0, limit=10)}
    assert left == {("UserErased", user.id)}


async def test_a_hold_keeps_the_data_and_its_end_lets_the_erasure_go_on(
    core: Core, clock: SetClock, user: User
) -> None:
    await core.place_hold(user.id, "case-17", "a claim", a_context())
    request = await ask(core, user, K.ERASURE)
    await go_on(core)
    with pytest.raises(UserHeldError):
        await core.advance_requests.one(request.id, a_context())
    assert (await now_of(core, request)).state is S.ACCEPTED
    with pytest.raises(HoldNotFoundError):
        await core.release_hold(user.id, "case-18", "wrong one", a_context())
    await core.release_hold(user.id, "case-17", "settled", a_context())
    await go_on(core)
    begun = await now_of(core, request)
    assert begun.is_final
    with pytest.raises(ErasureUnderWayError):
        await core.place_hold(user.id, "case-19", "too late", a_context())


@define
class Unwritable:
    """A ledger on a full disk, or one that was changed, until it is mended."""

    error: type[UserCoreError] | None = UnavailableError
    kept: bool = True

    async def append(self, _: ErasedPerson) -> int | None:
        if self.error is not None:
            raise self.error
        return 1

    async def entries(self) -> tuple[()]:
        return ()


async def test_without_its_ledger_nothing_is_erased(core: Core, user: User, clock: SetClock) -> None:
    broken = assemble(evolve(core.ports, erasure_ledger=Unwritable()))
    request = await ask(broken, user, K.ERASURE)
    await go_on(broken)
    clock.advance(minutes=11)
    await go_on(broken)
    left = await now_of(broken, request)
    assert left.erasure is not None
    assert left.erasure.step is ErasureStep.LEDGER
    assert (await core.get_user(named(user))).status.state is AccountState.ACTIVE


async def test_an_erasure_that_has_begun_is_tried_until_what_was_in_the_way_is_mended(
    core: Core, user: User, clock: SetClock
) -> None:
    ledger = Unwritable(LedgerBrokenError)
    mended = assemble(evolve(core.ports, erasure_ledger=ledger))
    request = await ask(mended, user, K.ERASURE)
    await go_on(mended)
    clock.advance(minutes=11)
    for _ in range(3):
        await go_on(mended)
        clock.advance(minutes=6)
    left = await now_of(mended, request)
    assert (left.trouble, left.is_final) == ("erasure_ledger_broken", True)
    steps = left.version
    await go_on(mended)
    clock.advance(minutes=6)
    assert (await now_of(mended, request)).version == steps
    ledger.error = None
    await go_on(mended)
    after = await now_of(mended, request)
    assert (after.trouble, after.erasure and after.erasure.step) == (None, ErasureStep.RECEIPTS)


def named(user: User) -> UserNamed:
    return UserNamed(user.id)


async def test_whom_a_backup_brought_back_is_erased_again_though_the_request_is_lost(core: Core, user: User) -> None:
    person = ErasedPerson(
        user.id, RequestId(core.ports.ids.event_id()), core.ports.ids.event_id(), Jurisdiction.GDPR, user.created_at
    )
    await core.ports.erasure_ledger.append(person)
    before = await core.check_ledger()
    assert (before.sound, list(before.brought_back)) == (False, [person])
    assert await core.replay_erasures() == 1
    with pytest.raises(UserErasedError):
        await core.get_user(named(user))
    assert (await core.check_ledger()).sound
    assert await core.replay_erasures() == 0
    await tell_everybody(core)
    done = await core.advance_requests.one(person.request_id, a_context())
    assert done.state is S.COMPLETED


async def test_a_ledger_that_was_changed_erases_nobody(core: Core, user: User) -> None:
    ledger: Any = core.ports.erasure_ledger
    person = ErasedPerson(
        user.id, RequestId(core.ports.ids.event_id()), core.ports.ids.event_id(), Jurisdiction.GDPR, user.created_at
    )
    await ledger.append(person)
    ledger.written[0] = evolve(ledger.written[0], person=evolve(person, jurisdiction=Jurisdiction.CCPA))
    with pytest.raises(LedgerBrokenError):
        await core.replay_erasures()
    assert (await core.check_ledger()).broken_at == 1
    assert (await core.get_user(named(user))).status.state is AccountState.ACTIVE
