"""What every UserWriter promises."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from attrs import evolve

from tests.builders import (
    IDS,
    NOW,
    OPERATOR,
    SECOND,
    a_context,
    a_profile,
    an_email,
    change_of,
    creation,
    deactivation,
    only,
    update,
)
from tests.contracts.footprints import footprint, must_commit, outbox
from usercore.codec.events import event_headers, event_payload
from usercore.codec.profile import profile_document
from usercore.kernel.changes import FieldChange
from usercore.kernel.receipts import Claim, ClaimLostError, IdempotencyKey, KeyInFlightError, Settled
from usercore.preferences.events import PreferencesRecord, UserEmailPreferencesUpdated
from usercore.preferences.values import EmailPreference
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    StaleVersionError,
    UserExistsError,
    UsernameTakenError,
    UserNotFoundError,
)
from usercore.users.model import User
from usercore.users.ports import Change, HistoryEntry
from usercore.wiring.core import Ports

KEY = IdempotencyKey("caller:create", "key-1", b"fingerprint")


async def claimed(ports: Ports, key: IdempotencyKey = KEY) -> Claim:
    claim = await ports.ledger.claim(
        key, now=NOW, lease_until=NOW + timedelta(minutes=1), expires_at=NOW + timedelta(days=1)
    )
    assert isinstance(claim, Claim)
    return claim


async def in_flight(ports: Ports, key: IdempotencyKey = KEY) -> bool:
    try:
        await claimed(ports, key)
    except KeyInFlightError:
        return True
    return False


async def test_nothing_to_commit_is_nothing_committed(ports: Ports) -> None:
    assert list(await ports.writer.commit([])) == []


async def test_a_creation_is_seen_in_every_port(ports: Ports) -> None:
    change = creation(a_profile(external_id="crm-1"))

    await must_commit(ports, change)

    user = change.user
    assert dict(await ports.users.get_many([user.id])) == {user.id: user}
    assert dict(await ports.profiles.documents([user.id])) == {user.id: profile_document(user)}
    assert list(await ports.history.entries(user.id, below_version=None, limit=10)) == [remembered(change)]
    assert await ports.deliveries.waiting() == 3


def remembered(change: Change) -> HistoryEntry:
    return HistoryEntry(
        user_id=change.user.id,
        version=change.user.version,
        event_id=change.event_id,
        message=change.event.message,
        at=change.user.updated_at,
        actor=change.context.actor,
        correlation_id=change.context.correlation_id,
        causation_id=change.context.causation_id,
        changes=change.changes,
    )


async def test_each_step_of_a_life_is_published_and_remembered_in_order(ports: Ports) -> None:
    created = creation()
    renamed = update(created.user, first_name="Ada", context=a_context(actor=OPERATOR))
    ended = deactivation(renamed.user, until=NOW + timedelta(days=30))
    back = change_of(ended.user.reactivate(reason="asked", now=NOW + timedelta(days=1), actor=OPERATOR))
    life = [created, renamed, ended, back]

    for change in life:
        await must_commit(ports, change)

    user_id = created.user.id
    messages = await outbox(ports)
    assert [one.event_id for one in messages] == [change.event_id for change in life]
    assert [one.sequence for one in messages] == [1, 2, 3, 4]
    assert [one.message for one in messages] == ["UserCreated", "UserUpdated", "UserDeactivated", "UserReactivated"]
    assert [one.occurred_at for one in messages] == [change.user.updated_at for change in life]
    assert {one.user_id for one in messages} == {user_id}
    for message, change in zip(messages, life, strict=True):
        assert json.loads(message.payload) == json.loads(event_payload(change.event))
        assert sorted(message.headers) == sorted(event_headers(change.context))
    entries = await ports.history.entries(user_id, below_version=None, limit=10)
    assert list(entries) == [remembered(change) for change in reversed(life)]
    assert only(await ports.users.get_many([user_id])) == back.user


def taking_email(user: User) -> Change:
    return creation(a_profile(user.profile.email.address.upper(), username="another"))


def taking_username(user: User) -> Change:
    return creation(a_profile(username=user.profile.username.upper()))


def taking_external_id(user: User) -> Change:
    return creation(a_profile(external_id=user.profile.external_id))


def taking_id(user: User) -> Change:
    return creation(user_id=user.id)


def taking_all(user: User) -> Change:
    return creation(user.profile, user_id=user.id)


def taking_all_but_the_email(user: User) -> Change:
    return creation(evolve(user.profile, email=an_email()), user_id=user.id)


def taking_external_id_and_id(user: User) -> Change:
    return creation(a_profile(external_id=user.profile.external_id), user_id=user.id)


@pytest.mark.parametrize(
    ("take", "refusal"),
    [
        (taking_email, EmailTakenError),
        (taking_username, UsernameTakenError),
        (taking_external_id, ExternalIdTakenError),
        (taking_id, UserExistsError),
        (taking_all, EmailTakenError),
        (taking_all_but_the_email, UsernameTakenError),
        (taking_external_id_and_id, ExternalIdTakenError),
    ],
)
async def test_a_creation_that_takes_what_is_anothers_is_refused_without_a_trace(
    ports: Ports, take: Callable[[User], Change], refusal: type[Exception]
) -> None:
    """Email comes before username, external id and id."""
    first = creation(a_profile(username="Grace", external_id="crm-1"))
    await must_commit(ports, first)
    second = take(first.user)
    ids = [first.user.id, second.user.id]
    before = await footprint(ports, ids)

    [outcome] = await ports.writer.commit([second])

    assert type(outcome) is refusal
    assert await footprint(ports, ids) == before


@pytest.mark.parametrize(
    ("field", "refusal"),
    [("email", EmailTakenError), ("username", UsernameTakenError), ("external_id", ExternalIdTakenError)],
)
async def test_an_update_to_what_is_anothers_is_refused_without_a_trace(
    ports: Ports, field: str, refusal: type[Exception]
) -> None:
    owner = creation(a_profile(username="owner", external_id="crm-1"))
    other = creation(a_profile(username="other", external_id="crm-2"))
    await must_commit(ports, owner, other)
    ids = [owner.user.id, other.user.id]
    before = await footprint(ports, ids)

    [outcome] = await ports.writer.commit([update(other.user, **{field: getattr(owner.user.profile, field)})])

    assert type(outcome) is refusal
    assert await footprint(ports, ids) == before


async def test_a_user_may_rewrite_their_own_email_and_username_in_other_case(ports: Ports) -> None:
    change = creation(a_profile("grace@example.com"))
    await must_commit(ports, change)

    await must_commit(ports, update(change.user, email=an_email("Grace@Example.com"), username="Grace@Example.com"))


async def test_what_a_user_gave_up_is_free_for_others(ports: Ports) -> None:
    first = creation(a_profile("grace@example.com", username="grace", external_id="crm-1"))
    await must_commit(ports, first)
    await must_commit(ports, update(first.user, email=an_email(), username="hopper", external_id=None))

    await must_commit(ports, creation(a_profile("grace@example.com", username="grace", external_id="crm-1")))


async def test_any_number_of_users_may_have_no_external_id(ports: Ports) -> None:
    await must_commit(ports, creation(), creation(), creation())


async def test_a_step_from_a_version_that_is_past_is_stale(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created, update(created.user, first_name="Ada"))
    before = await footprint(ports, [created.user.id])

    [outcome] = await ports.writer.commit([update(created.user, first_name="Joan")])

    assert isinstance(outcome, StaleVersionError)
    assert outcome.current == 2
    assert await footprint(ports, [created.user.id]) == before


async def test_a_step_from_a_version_to_come_is_stale(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created)
    skipped = update(created.user, first_name="Ada").user
    before = await footprint(ports, [created.user.id])

    [outcome] = await ports.writer.commit([update(skipped, first_name="Joan")])

    assert isinstance(outcome, StaleVersionError)
    assert outcome.current == 1
    assert await footprint(ports, [created.user.id]) == before


async def test_a_stale_step_is_stale_whatever_else_is_wrong_with_it(ports: Ports) -> None:
    owner, other = creation(), creation()
    await must_commit(ports, owner, other, update(other.user, first_name="Ada"))

    [outcome] = await ports.writer.commit([update(other.user, email=owner.user.profile.email)])

    assert isinstance(outcome, StaleVersionError)


async def test_a_step_of_nobody_is_refused_without_a_trace(ports: Ports) -> None:
    nobody = creation().user
    before = await footprint(ports, [nobody.id])

    [outcome] = await ports.writer.commit([update(nobody, first_name="Ada")])

    assert isinstance(outcome, UserNotFoundError)
    assert await footprint(ports, [nobody.id]) == before


async def test_a_batch_judges_each_change_by_itself(ports: Ports) -> None:
    known, old = creation(), creation()
    await must_commit(ports, known, old, update(old.user, first_name="Ada"))
    new, newer = creation(), creation()
    batch = [
        new,
        taking_email(known.user),
        update(known.user, last_name="Lovelace"),
        update(old.user, last_name="stale"),
        update(creation().user, last_name="nobody"),
        newer,
    ]

    outcomes = await ports.writer.commit(batch)

    assert [type(one) for one in outcomes] == [
        type(None),
        EmailTakenError,
        type(None),
        StaleVersionError,
        UserNotFoundError,
        type(None),
    ]
    done = {new.event_id, newer.event_id, batch[2].event_id}
    undone = {batch[1].event_id, batch[3].event_id, batch[4].event_id}
    published = {message.event_id for message in await outbox(ports)}
    assert done <= published
    assert not undone & published
    users = await ports.users.get_many([new.user.id, newer.user.id, known.user.id, batch[1].user.id])
    assert set(users) == {new.user.id, newer.user.id, known.user.id}
    assert users[known.user.id].profile.last_name == "Lovelace"


async def test_steps_of_one_user_in_a_batch_are_taken_in_their_order(ports: Ports) -> None:
    created = creation()
    second = update(created.user, first_name="Ada")
    rival = update(created.user, first_name="Joan")
    third = update(second.user, first_name="Annie")

    outcomes = await ports.writer.commit([created, creation(), second, rival, third])

    assert [type(one) for one in outcomes] == [*[type(None)] * 3, StaleVersionError, type(None)]
    assert only(await ports.users.get_many([created.user.id])) == third.user
    own = [one.sequence for one in await outbox(ports) if one.user_id == created.user.id]
    assert own == [1, 2, 3]


async def test_of_two_creations_with_one_email_in_a_batch_one_wins(ports: Ports) -> None:
    first = creation(a_profile("grace@example.com"))
    second = creation(a_profile("GRACE@example.com"))

    outcomes = await ports.writer.commit([first, second])

    assert sorted(type(one).__name__ for one in outcomes) == ["EmailTakenError", "NoneType"]
    assert len(await ports.users.get_many([first.user.id, second.user.id])) == 1
    assert len(await outbox(ports)) == 1


async def test_of_many_writers_of_one_version_one_wins(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created)
    rivals = [update(created.user, first_name=f"Ada {number}") for number in range(20)]

    outcomes = [one for [one] in await asyncio.gather(*(ports.writer.commit([rival]) for rival in rivals))]

    winners = [rival for rival, outcome in zip(rivals, outcomes, strict=True) if outcome is None]
    assert len(winners) == 1
    assert all(one is None or isinstance(one, StaleVersionError) for one in outcomes)
    assert only(await ports.users.get_many([created.user.id])) == winners[0].user
    assert [one.sequence for one in await outbox(ports)] == [1, 2]


async def test_of_many_creations_with_one_email_one_wins(ports: Ports) -> None:
    spellings = ["grace@example.com", "Grace@example.com", "GRACE@EXAMPLE.COM", "grace@Example.Com"] * 5
    rivals = [creation(a_profile(email)) for email in spellings]

    outcomes = [one for [one] in await asyncio.gather(*(ports.writer.commit([rival]) for rival in rivals))]

    assert outcomes.count(None) == 1
    assert all(one is None or isinstance(one, EmailTakenError) for one in outcomes)
    assert len(await outbox(ports)) == 1


async def test_a_commit_settles_its_claim(ports: Ports) -> None:
    claim = await claimed(ports)
    change = creation(context=a_context(claim))

    await must_commit(ports, change)

    came_of_it = await ports.ledger.claim(KEY, now=NOW, lease_until=NOW + SECOND, expires_at=NOW + timedelta(days=1))
    assert came_of_it == Settled(change.user.id, 1)


async def test_a_refused_change_leaves_its_claim_unsettled(ports: Ports) -> None:
    known = creation()
    await must_commit(ports, known)
    claim = await claimed(ports)

    [outcome] = await ports.writer.commit([evolve(taking_email(known.user), context=a_context(claim))])

    assert isinstance(outcome, EmailTakenError)
    assert await in_flight(ports)
    await ports.ledger.release(claim)
    assert isinstance(await claimed(ports), Claim)


async def lose_by_takeover(ports: Ports, claim: Claim) -> None:
    later = NOW + timedelta(minutes=2)
    await ports.ledger.claim(claim.key, now=later, lease_until=later + SECOND, expires_at=later + timedelta(days=1))


async def lose_by_release(ports: Ports, claim: Claim) -> None:
    await ports.ledger.release(claim)


async def lose_by_settling(ports: Ports, claim: Claim) -> None:
    await ports.ledger.settle(claim, Settled(IDS.user_id(), 1))


@pytest.mark.parametrize("lose", [lose_by_takeover, lose_by_release, lose_by_settling])
@pytest.mark.parametrize("otherwise_fine", [True, False])
async def test_a_change_whose_claim_was_lost_has_no_effect(
    ports: Ports, lose: Callable[[Ports, Claim], Awaitable[None]], otherwise_fine: bool
) -> None:
    """A lost claim is told before anything else that is wrong."""
    known = creation()
    await must_commit(ports, known)
    claim = await claimed(ports)
    await lose(ports, claim)
    change = creation() if otherwise_fine else taking_email(known.user)
    ids = [known.user.id, change.user.id]
    before = await footprint(ports, ids)

    [outcome] = await ports.writer.commit([evolve(change, context=a_context(claim))])

    assert isinstance(outcome, ClaimLostError)
    assert await footprint(ports, ids) == before


async def test_one_claim_serves_one_change_of_a_batch(ports: Ports) -> None:
    claim = await claimed(ports)
    changes = [creation(context=a_context(claim)), creation(context=a_context(claim))]

    outcomes = await ports.writer.commit(changes)

    assert sorted(type(one).__name__ for one in outcomes) == ["ClaimLostError", "NoneType"]
    assert len(await outbox(ports)) == 1


def said(user: User, topic: str, *, subscribed: bool) -> Change:
    after = user.touch(now=user.updated_at + SECOND)
    preference = EmailPreference(topic, subscribed, "form", after.updated_at, "v1")
    return Change(
        user=after,
        event_id=IDS.event_id(),
        event=UserEmailPreferencesUpdated(user.id, after.updated_at, (preference,)),
        changes=(FieldChange(f"email_preferences.{topic}", None, preference),),
        context=a_context(),
        records=(PreferencesRecord(user.id, (preference,)),),
    )


async def test_records_are_kept_with_their_change(ports: Ports) -> None:
    created = creation()
    wants = said(created.user, "news", subscribed=True)
    wants_not = said(wants.user, "news", subscribed=False)
    offers = said(wants_not.user, "offers", subscribed=True)
    await must_commit(ports, created, wants)
    await must_commit(ports, wants_not, offers)

    preferences = (await ports.preferences.get_many([created.user.id]))[created.user.id]

    assert {topic: one.subscribed for topic, one in preferences.items()} == {"news": False, "offers": True}
    assert only(await ports.users.get_many([created.user.id])).version == 4
    entry = await ports.history.entry(created.user.id, 3)
    assert entry == remembered(wants_not)


async def test_records_of_a_refused_change_are_not_kept(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created, update(created.user, first_name="Ada"))
    before = await footprint(ports, [created.user.id])

    [outcome] = await ports.writer.commit([said(created.user, "news", subscribed=True)])

    assert isinstance(outcome, StaleVersionError)
    assert await footprint(ports, [created.user.id]) == before


async def test_positions_of_one_users_messages_rise(ports: Ports) -> None:
    changes = [creation()]
    for number in range(9):
        changes.append(update(changes[-1].user, first_name=f"Ada {number}"))
    await must_commit(ports, *changes[:4])
    await must_commit(ports, *changes[4:])

    messages = await outbox(ports)

    assert [one.sequence for one in messages] == list(range(1, 11))
    positions = [one.position for one in messages]
    assert positions == sorted(set(positions))
    assert await ports.outbox.pending() == 10
