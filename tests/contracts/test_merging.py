"""What merging does to two accounts, whatever keeps them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve, frozen

from tests.builders import NOW, OPERATOR, SetClock, a_context, a_profile, change_of, creation
from tests.contracts.footprints import footprint, must_commit
from tests.facts import failure, order, points, results, success
from usercore.activity.values import FactKind, FactResult
from usercore.audit.verify_audit import VerifyCommand
from usercore.codec.profile import profile_document
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.merging.errors import (
    MergeInvalidError,
    MergeNotFoundError,
    MergeRequestOpenError,
    MergeTermOverError,
)
from usercore.merging.merge_users import DoneMerge, MergeUsersCommand
from usercore.merging.undo_merge import UndoMergeCommand
from usercore.merging.values import MergePolicy
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.privacy.requests.errors import UserHeldError
from usercore.privacy.requests.ledger import ErasedPerson
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.ports import RequestFilter
from usercore.privacy.requests.values import Jurisdiction, RequestKind
from usercore.users.errors import EmailTakenError, StaleVersionError, UserMergedError, UserRestrictedError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User, Verification
from usercore.users.ports import UserReader
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState, VerificationChannel
from usercore.wiring.core import Core, Ports, assemble

WHY = "the same person, ticket 17"
PRIVACY = CommandContext(OPERATOR, "conversation-1", for_privacy=True)


@pytest.fixture
def core(ports: Ports) -> Core:
    return assemble(ports)


async def a_user(core: Core, **fields: Any) -> User:
    change = creation(a_profile(**fields))
    await must_commit(core.ports, change)
    return change.user


async def merge(core: Core, survivor: User, merged: User, *take: str, **more: Any) -> DoneMerge:
    command = MergeUsersCommand(survivor.id, merged.id, frozenset(take), WHY, **more)
    return await core.merge_users(command, a_context())


async def now(core: Core, user_id: UserId) -> User:
    return (await core.ports.users.get_many([user_id]))[user_id]


async def refusal(core: Core, survivor: User, merged: User, *take: str, **more: Any) -> UserCoreError:
    """Merge, and give why it was refused; the preview says the same, and nothing was left behind."""
    ids = [survivor.id, merged.id]
    before = await footprint(core.ports, ids)
    command = MergeUsersCommand(survivor.id, merged.id, frozenset(take), WHY, **more)
    with pytest.raises(UserCoreError) as error:
        await core.merge_users(command, a_context())
    with pytest.raises(type(error.value)):
        await core.preview_merge(command, a_context())
    assert await footprint(core.ports, ids) == before
    return error.value


async def is_sound(core: Core) -> bool:
    """Give whether every audit chain holds."""
    return not (await core.verify_audit(VerifyCommand())).findings


async def test_the_survivor_keeps_its_own_and_takes_what_it_lacks_or_is_told_to(core: Core) -> None:
    own = await a_user(core, phone_number="+4930111", attributes={"tier": "gold", "own": 1}, username="sue")
    other = await a_user(
        core,
        first_name="Grace M.",
        phone_number="+4930222",
        locale="de-DE",
        external_id="crm-7",
        username="susan",
        attributes={},
    )
    planned = await core.preview_merge(
        MergeUsersCommand(own.id, other.id, frozenset({"first_name", "email"})), a_context()
    )
    for _ in range(2):  # whatever caches profiles has both now
        await core.ports.profiles.documents([own.id, other.id])
    done = await merge(core, own, other, "first_name", "email")

    survivor, merged = await now(core, own.id), await now(core, other.id)
    assert planned.plan.profile == done.user.profile == survivor.profile
    assert survivor.profile == evolve(
        own.profile, first_name="Grace M.", locale="de-DE", external_id="crm-7", email=other.profile.email
    )
    assert merged.status.state is AccountState.MERGED
    assert merged.status.merged_into == survivor.id
    assert merged.profile == evolve(other.profile, email=own.profile.email, external_id=None)
    documents = await core.ports.profiles.documents([own.id, other.id])
    assert documents == {own.id: profile_document(survivor), other.id: profile_document(merged)}


async def test_both_lives_tell_of_it_in_order_and_the_audit_trail_verifies(core: Core) -> None:
    own, other = await a_user(core), await a_user(core, locale="de")
    done = await merge(core, own, other)

    for user_id, told in (
        (own.id, ["UserMerged", "UserUpdated", "UserCreated"]),
        (other.id, ["UserMerged", "UserCreated"]),
    ):
        entries = await core.ports.history.entries(user_id, below_version=None, limit=10)
        assert [one.message for one in entries] == told
        assert [one.version for one in entries] == list(range(len(told), 0, -1))
        events = [one for one in await core.ports.outbox.messages(after=0, limit=50) if one.user_id == user_id]
        assert [one.message for one in events] == told[::-1]
    [first, *_] = await core.ports.history.entries(own.id, below_version=None, limit=1)
    assert [(one.field, one.after) for one in first.changes] == [("merged_user", other.id)]
    assert list(await core.read_merges(own.id)) == [done.merge] == [*await core.read_merges(other.id)]
    assert (done.merge.survivor_before, done.merge.survivor_version, done.merge.merged_version) == (1, 3, 2)
    assert await is_sound(core)


async def test_whoever_names_the_merged_one_finds_the_survivor_and_nobody_can_take_the_names(core: Core) -> None:
    own, other = await a_user(core, external_id="crm-1"), await a_user(core, external_id="crm-2")
    await merge(core, own, other, "email")
    for name in (own.profile, other.profile):
        for named in (UserNamed(email=name.email.address), UserNamed(external_id=name.external_id)):
            assert (await core.get_user(named)).id == own.id
        for taking in (a_profile(name.email.address, username="x"), a_profile(external_id=name.external_id)):
            [refused] = await core.ports.writer.commit([creation(taking)])
            assert refused is not None
    assert (await core.get_user(UserNamed(user_id=other.id))).id == own.id
    with pytest.raises(UserMergedError) as error:
        await core.read_profile(other.id)
    assert error.value.survivor == own.id


async def test_chains_lead_to_the_last_at_once_and_there_are_no_cycles(core: Core) -> None:
    a, b, c = [await a_user(core) for _ in range(3)]
    await merge(core, b, a)
    await merge(core, c, b)
    assert (await core.get_user(UserNamed(user_id=a.id))).id == c.id
    for reading in (core.read_profile, core.read_activity, core.get_email_preferences, core.read_consents):
        with pytest.raises(UserMergedError) as error:
            await reading(a.id)
        assert error.value.survivor == c.id
    assert list(await core.ports.users.merged_into(c.id)) == sorted([a.id, b.id])
    for survivor, merged in ((a, c), (b, c), (a, b), (c, c)):
        assert isinstance(await refusal(core, survivor, merged), UserMergedError | MergeInvalidError)


async def test_facts_move_once_and_later_ones_find_the_survivor(core: Core) -> None:
    own, other, last = [await a_user(core) for _ in range(3)]
    ports = core.ports
    before = [order("o1", other.id), failure("p1", "o1"), points("t1", other.id), order("o2", own.id)]
    assert await results(ports, *before) == [FactResult.RECORDED] * 4
    await merge(core, own, other)
    later = [order("o3", other.id), failure("p3", "o1"), points("t3", other.id, 11)]
    assert await results(ports, *before, *later) == [FactResult.KNOWN] * 4 + [FactResult.RECORDED] * 3
    await merge(core, last, own)
    assert await results(ports, *before, *later) == [FactResult.KNOWN] * 7
    assert await results(ports, order("o4", other.id)) == [FactResult.RECORDED]

    kept = await ports.activity_reader.entries(last.id, kinds=frozenset(FactKind), after=None, limit=50)
    assert sorted(one.fact.fact_id for one in kept) == ["o1", "o2", "o3", "o4", "p1", "p3", "t1", "t3"]
    assert {one.user_id for one in kept} == {last.id}
    summary = await core.read_activity.summary(last.id)
    assert summary.loyalty.balance == 111
    for gone in (own, other):
        assert not await ports.activity_reader.entries(gone.id, kinds=frozenset(FactKind), after=None, limit=50)


async def test_what_was_left_or_refused_on_either_side_stays_so(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    for topic in ("news", "offers", "tips"):
        await core.register_topic(RegisterTopicCommand(topic, topic, "1"))
    for user, said in ((own, {"news": True, "offers": False}), (other, {"news": False, "offers": True, "tips": True})):
        choices = {topic: PreferenceChoice(subscribed) for topic, subscribed in said.items()}
        await core.update_email_preferences(UpdateEmailPreferencesCommand(user.id, choices), a_context())
    await core.register_purpose(_purpose("ads"))
    await core.record_consent(RecordConsentCommand(own.id, "ads", given=True), a_context())
    for purpose in ("ads", "sale"):
        await core.record_consent(RecordConsentCommand(other.id, purpose, given=False), a_context())

    await merge(core, own, other)

    held = {
        one.topic.name: (one.subscribed, one.said and one.said.source)
        for one in (await core.get_email_preferences(own.id)).topics
    }
    assert held == {"news": (False, "merge"), "offers": (False, "operator"), "tips": (False, None)}
    lines = {
        name: (one.consent.given, one.consent.source)
        for name, one in (await core.ports.consents.latest(own.id)).items()
    }
    assert lines == {"ads": (False, "merge"), "sale": (False, "merge")}
    entries = await core.ports.history.entries(own.id, below_version=None, limit=4)
    told = ["UserMerged", "UserConsentChanged", "UserConsentChanged", "UserEmailPreferencesUpdated"]
    assert [one.message for one in entries] == told


def _purpose(name: str) -> Any:
    return RegisterPurposeCommand(name, name, "w1")


async def test_a_proof_counts_for_the_contact_that_it_is_about(core: Core) -> None:
    own, other = await a_user(core, phone_number="+4930111"), await a_user(core, phone_number="+4930111")
    for channel in (VerificationChannel.PHONE, VerificationChannel.EMAIL, VerificationChannel.IDENTITY):
        step = (await now(core, other.id)).verify(channel, now=NOW)
        await must_commit(core.ports, change_of(step))
    done = await merge(core, own, other)
    assert done.user.verification == Verification(phone=NOW)


async def test_held_asked_about_or_restricted_accounts_are_left_alone(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    await core.place_hold(other.id, "case-1", "a claim", a_context())
    assert isinstance(await refusal(core, own, other), UserHeldError)
    await core.release_hold(other.id, "case-1", "settled", a_context())
    asked = await core.make_privacy_request(MakePrivacyRequestCommand(own.id, RequestKind.ACCESS), a_context())
    assert isinstance(await refusal(core, own, other), MergeRequestOpenError)
    await core.cancel_request(asked.id, a_context())
    step = (await now(core, other.id)).restrict(on=True, now=NOW)
    await must_commit(core.ports, change_of(step))
    assert isinstance(await refusal(core, own, other), UserRestrictedError)
    done = await core.merge_users(MergeUsersCommand(own.id, other.id, reason=WHY), PRIVACY)
    assert done.user.restricted


async def test_what_does_not_go_together_is_refused(core: Core) -> None:
    own, other = await a_user(core, username="sue"), await a_user(core)
    for take in ("colour", "username"):
        assert isinstance(await refusal(core, own, other, take), MergeInvalidError)
    assert isinstance(await refusal(core, own, other, expected_version=9), StaleVersionError)


async def test_doing_it_twice_is_doing_it_once(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    first = await merge(core, own, other)
    assert await merge(core, own, other) == first


async def test_of_many_at_once_one_wins_and_nothing_is_lost(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)

    async def change(user: User, number: int) -> None:
        patch = ProfilePatch(first_name=f"N{number}")
        await core.update_user(UpdateUserCommand(user.id, patch), a_context())

    tries = [merge(core, *pair) for pair in ((own, other), (other, own)) for _ in range(8)]
    changes = [change(user, number) for number in range(8) for user in (own, other)]
    outcomes = await asyncio.gather(*tries, *changes, return_exceptions=True)

    assert all(one is None or isinstance(one, DoneMerge | UserMergedError) for one in outcomes), outcomes
    merges = {one.merge.id for one in outcomes if isinstance(one, DoneMerge)}
    assert len(merges) == 1
    users = [await now(core, user.id) for user in (own, other)]
    assert sorted(user.status.state for user in users) == [AccountState.ACTIVE, AccountState.MERGED]
    for user in users:
        entries = await core.ports.history.entries(user.id, below_version=None, limit=100)
        assert [one.version for one in entries] == list(range(user.version, 0, -1))
        assert dict(await core.ports.profiles.documents([user.id])) == {user.id: profile_document(user)}
    assert await is_sound(core)


async def undo(core: Core, done: DoneMerge, **more: Any) -> DoneMerge:
    command = UndoMergeCommand(done.merge.survivor, done.merge.id, "two sisters, ticket 18", **more)
    return await core.undo_merge(command, a_context())


def said(user: User) -> object:
    """Give all that a user is, but for when and in which version."""
    return user.facets()


async def test_an_undone_merge_leaves_both_as_they_were(core: Core) -> None:
    own = await a_user(core, username="sue", phone_number="+4930111")
    other = await a_user(core, username="susan", phone_number="+4930222", locale="de", external_id="crm-7")
    await must_commit(core.ports, change_of(other.verify(VerificationChannel.EMAIL, now=NOW)))
    other = await now(core, other.id)
    first = [order("o1", other.id), failure("p1", "o1"), order("o2", own.id)]
    assert await results(core.ports, *first) == [FactResult.RECORDED] * 3

    done = await merge(core, own, other, "email", "username", "phone_number")
    later = [order("o3", own.id), order("o4", other.id)]
    assert await results(core.ports, *later) == [FactResult.RECORDED] * 2
    undone = await undo(core, done)

    assert said(await now(core, own.id)) == said(own)
    assert said(await now(core, other.id)) == said(other)
    assert undone.merge.undone is not None
    assert undone.merge.undone.reason == "two sisters, ticket 18"
    for user, kept in ((own, ["o2", "o3"]), (other, ["o1", "o4", "p1"])):
        entries = await core.ports.activity_reader.entries(user.id, kinds=frozenset(FactKind), after=None, limit=50)
        assert sorted(one.fact.fact_id for one in entries) == kept
        assert (await core.get_user(UserNamed(email=user.profile.email.address))).id == user.id
        told = [one.message for one in await core.ports.history.entries(user.id, below_version=None, limit=1)]
        assert told == ["UserMergeUndone"]
        document = await core.read_profile(user.id)
        assert document == profile_document(await now(core, user.id))
    assert await results(core.ports, *first, *later) == [FactResult.KNOWN] * 5
    assert not await core.ports.users.merged_into(own.id)
    assert await undo(core, done) == undone
    assert await is_sound(core)
    again = await merge(core, own, other)
    assert [one.id for one in await core.read_merges(own.id)] == [again.merge.id, done.merge.id]


async def test_what_was_changed_since_the_merge_stays_and_the_preview_says_so(core: Core) -> None:
    await core.register_topic(RegisterTopicCommand("news", "News", "1"))
    await core.register_topic(RegisterTopicCommand("tips", "Tips", "1"))
    await core.register_purpose(RegisterPurposeCommand("ads", "Ads", "w1"))
    own, other = await a_user(core, first_name="Sue"), await a_user(core, first_name="Susan", locale="de")
    for user, wants in ((own, {"news": True}), (other, {"news": False, "tips": False})):
        choices = {topic: PreferenceChoice(wanted) for topic, wanted in wants.items()}
        await core.update_email_preferences(UpdateEmailPreferencesCommand(user.id, choices), a_context())
    for user, given in ((own, True), (other, False)):
        await core.record_consent(RecordConsentCommand(user.id, "ads", given=given, proof="form-1"), a_context())
    done = await merge(core, own, other, "first_name")
    await core.update_user(UpdateUserCommand(own.id, ProfilePatch(first_name="Suzy")), a_context())

    planned = await core.preview_undo(UndoMergeCommand(own.id, done.merge.id), a_context())
    kept = {(one.name, one.why.value) for one in planned.plan.kept}
    assert kept == {("first_name", "CHANGED_SINCE"), ("email_preferences.tips", "NO_EARLIER_WORD")}
    await undo(core, done)

    survivor = await now(core, own.id)
    assert (survivor.profile.first_name, survivor.profile.locale) == ("Suzy", None)
    held = (await core.ports.preferences.get_many([own.id]))[own.id]
    assert {topic: (one.subscribed, one.source) for topic, one in held.items()} == {
        "news": (True, "merge-undone"),
        "tips": (False, "merge"),
    }
    line = (await core.ports.consents.latest(own.id))["ads"]
    assert (line.consent.given, line.consent.source, line.proof) == (True, "merge-undone", "form-1")


async def test_a_merge_is_undone_within_its_time_and_in_the_order_of_merges_alone(ports: Ports) -> None:
    clock = SetClock()
    core = assemble(evolve(ports, clock=clock), merging=MergePolicy(timedelta(days=30)))
    a, b, c = [await a_user(core) for _ in range(3)]
    first, second = await merge(core, b, a), await merge(core, c, b)
    with pytest.raises(UserMergedError):
        await undo(core, first)
    clock.advance(days=30)
    await undo(core, second)
    clock.advance(seconds=1)
    for refused in (undo(core, first), core.preview_undo(UndoMergeCommand(b.id, first.merge.id), a_context())):
        with pytest.raises(MergeTermOverError):
            await refused
    with pytest.raises(MergeNotFoundError):
        await core.undo_merge(UndoMergeCommand(c.id, first.merge.id, WHY), a_context())
    assert list(await ports.users.merged_into(b.id)) == [a.id]


async def test_a_name_that_somebody_else_has_by_now_keeps_the_merge(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    done = await merge(core, own, other, "email")
    await core.update_user(UpdateUserCommand(own.id, ProfilePatch(email="elsewhere@example.com")), a_context())
    await must_commit(core.ports, creation(a_profile(other.profile.email.address)))
    before = await footprint(core.ports, [own.id, other.id])
    with pytest.raises(EmailTakenError):
        await undo(core, done)
    assert await footprint(core.ports, [own.id, other.id]) == before
    assert (await core.read_merges(own.id))[0].undone is None


async def test_undoing_and_facts_at_the_same_moment_leave_each_fact_with_its_own(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    done = await merge(core, own, other)
    told = [order(f"o{number}", other.id) for number in range(12)]
    _, *outcomes = await asyncio.gather(undo(core, done), *(results(core.ports, one) for one in told))
    assert outcomes == [[FactResult.RECORDED]] * 12
    entries = await core.ports.activity_reader.entries(other.id, kinds=frozenset(FactKind), after=None, limit=50)
    assert len(entries) == 12


async def test_what_is_told_while_accounts_are_merged_ends_with_the_survivor_once(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    first = [order(f"o{number}", other.id) for number in range(4)]
    assert await results(core.ports, *first) == [FactResult.RECORDED] * 4
    told = [
        fact
        for number in range(4)
        for fact in (
            order(f"late-{number}", other.id),
            failure(f"p{number}", f"o{number}"),
            success(f"s{number}", f"o{number}"),
            points(f"t{number}", other.id, 10),
        )
    ]
    _, *outcomes = await asyncio.gather(merge(core, own, other), *(results(core.ports, one) for one in told))
    assert outcomes == [[FactResult.RECORDED]] * len(told)
    assert await results(core.ports, *first, *told) == [FactResult.KNOWN] * (4 + len(told))

    kept, left = [
        await core.ports.activity_reader.entries(user.id, kinds=frozenset(FactKind), after=None, limit=50)
        for user in (own, other)
    ]
    assert sorted(one.fact.fact_id for one in kept) == sorted(one.fact_id for one in (*first, *told))
    assert not left
    summary = await core.read_activity.summary(own.id)
    assert (summary.orders.count, summary.payments.failures, summary.loyalty.balance) == (8, 4, 40)


@frozen
class BeforeTheMerge:
    """Reads users as somebody did who looked at them before they were merged."""

    inner: UserReader
    seen: tuple[User, ...]

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        return {**await self.inner.get_many(ids), **{user.id: user for user in self.seen if user.id in ids}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


async def test_whoever_looked_at_an_account_before_it_was_merged_asks_and_holds_nothing_of_it(core: Core) -> None:
    own, other = await a_user(core), await a_user(core)
    users: Any = BeforeTheMerge(core.ports.users, (own, other))
    late = assemble(evolve(core.ports, users=users))
    await merge(core, own, other)
    for kind in (RequestKind.ERASURE, RequestKind.ACCESS):
        with pytest.raises(UserMergedError) as error:
            await late.make_privacy_request(MakePrivacyRequestCommand(other.id, kind), a_context())
        assert error.value.survivor == own.id
    with pytest.raises(UserMergedError):
        await late.place_hold(other.id, "case-1", "a claim", a_context())
    assert not (await core.ports.privacy_requests.page(RequestFilter(), after=None, limit=9)).items
    assert not await core.ports.holds.of(other.id)


async def erased_elsewhere(core: Core, *users: User) -> None:
    """Write people into the ledger of erasures, as the database will not know once a backup is restored."""
    for user in users:
        request, event = RequestId(core.ports.ids.event_id()), core.ports.ids.event_id()
        await core.ports.erasure_ledger.append(ErasedPerson(user.id, request, event, Jurisdiction.GDPR, NOW))


async def test_whom_the_ledger_of_erasures_does_not_name_is_taken_apart_from_whom_it_names_and_not_erased(
    core: Core,
) -> None:
    inner, other = await a_user(core), await a_user(core, phone_number="+4930222")
    own = await a_user(core, external_id="crm-1")
    await results(core.ports, order("o1", other.id), order("o2", inner.id))
    await merge(core, other, inner)
    await merge(core, own, other, "email")
    await results(core.ports, order("o3", other.id), order("o4", own.id))
    await erased_elsewhere(core, own)

    assert await core.replay_erasures() == 1

    assert (await now(core, own.id)).status.state is AccountState.ERASED
    assert said(await now(core, other.id)) == said(other)
    assert (await core.get_user(UserNamed(email=inner.profile.email.address))).id == other.id
    entries = await core.ports.activity_reader.entries(other.id, kinds=frozenset(FactKind), after=None, limit=9)
    assert sorted(one.fact.fact_id for one in entries) == ["o1", "o2", "o3"]
    for email in (own.profile.email, other.profile.email):
        suppressed = await core.check_suppression(email.address)
        assert bool(suppressed) is (email == own.profile.email)
    assert (await core.check_ledger()).sound
    assert await core.replay_erasures() == 0
    assert await is_sound(core)


async def test_of_a_chain_whoever_the_ledger_names_is_erased_and_whoever_it_does_not_is_not(core: Core) -> None:
    first, middle, last = [await a_user(core) for _ in range(3)]
    await merge(core, middle, first)
    await merge(core, last, middle)
    await erased_elsewhere(core, middle, last)
    assert await core.replay_erasures() == 2
    states = [(await now(core, user.id)).status.state for user in (first, middle, last)]
    assert states == [AccountState.ACTIVE, AccountState.ERASED, AccountState.ERASED]
    assert await is_sound(core)


async def test_where_a_merge_cannot_be_taken_back_the_one_whom_the_ledger_does_not_name_stays_merged(
    core: Core,
) -> None:
    own, other = await a_user(core), await a_user(core)
    await merge(core, own, other)
    await core.place_hold(own.id, "case-1", "a claim", a_context())
    await erased_elsewhere(core, own)
    assert await core.replay_erasures() == 1
    states = [(await now(core, user.id)).status.state for user in (own, other)]
    assert states == [AccountState.ERASED, AccountState.MERGED]
    assert (await now(core, other.id)).profile == other.profile
