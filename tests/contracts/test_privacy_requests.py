"""What every PrivacyRequests, LegalHolds and Archives promises."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, OPERATOR, a_context, a_profile, creation
from tests.contracts.footprints import must_commit
from usercore.kernel.context import Actor, ActorKind
from usercore.privacy.requests.errors import ErasureUnderWayError, RequestChangedError, UserHeldError
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.model import (
    Asked,
    Erasure,
    ErasureStep,
    PrivacyRequest,
    Recipient,
    RequestId,
)
from usercore.privacy.requests.ports import Letter, Noted, RequestFilter, Word
from usercore.privacy.requests.values import (
    Extension,
    IdentityCheck,
    IdentityMethod,
    Jurisdiction,
    Refusal,
    RefusalGround,
    RequestKind,
    RequestState,
)
from usercore.users.errors import UserErasedError, UserNotFoundError
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.model import User
from usercore.wiring.core import Ports

LATER = NOW + timedelta(hours=1)
CHECK = IdentityCheck(IdentityMethod.CHECKED_BY_OPERATOR, NOW, OPERATOR, "passport seen")


def a_request(user: User, kind: RequestKind = RequestKind.ACCESS, **fields: Any) -> PrivacyRequest:
    received = PrivacyRequest.receive(
        RequestId(IDS.event_id()),
        user.id,
        kind,
        Jurisdiction.GDPR,
        now=NOW,
        zone=UTC,
        actor=Actor(ActorKind.USER, user.id),
        asked=Asked("what do you know of me?"),
    )
    return evolve(received.checked(CHECK), **fields)


def noted(request: PrivacyRequest, **more: Any) -> Noted:
    return Noted(request, IDS.event_id(), "PrivacyRequestReceived", a_context(), **more)


@pytest.fixture
async def user(ports: Ports) -> User:
    change = creation(a_profile())
    await must_commit(ports, change)
    return change.user


async def test_a_request_is_read_as_it_was_kept(ports: Ports, user: User) -> None:
    patch = ProfilePatch(
        first_name="Grace", phone_number=None, address=AddressPatch(city="Berlin"), attributes={"a": 1}
    )
    whole = a_request(
        user,
        RequestKind.ERASURE,
        asked=Asked("two\nlines 'x' 𐐷", patch),
        extension=Extension(NOW, "many systems"),
        refusal=Refusal(RefusalGround.LEGAL_CLAIMS, "a claim"),
        outcome="done",
        closed_at=LATER,
        trouble="email_taken",
        archive_until=LATER,
        erasure=Erasure(ErasureStep.RECEIPTS, IDS.event_id(), NOW, {Recipient.TOPIC: LATER}, 3, 17),
    )
    assert await ports.privacy_requests.add(noted(whole, run_at=LATER)) == whole
    assert await ports.privacy_requests.get(whole.id) == whole
    bare = a_request(user, RequestKind.RESTRICTION, asked=Asked(), identity=None, state=RequestState.IDENTITY_PENDING)
    await ports.privacy_requests.add(noted(bare))
    assert await ports.privacy_requests.get(bare.id) == bare


async def test_there_is_nothing_of_nobody(ports: Ports, user: User) -> None:
    assert await ports.privacy_requests.get(RequestId(IDS.event_id())) is None
    assert await ports.privacy_requests.get(RequestId("nothing")) is None
    with pytest.raises(UserNotFoundError):
        await ports.privacy_requests.add(noted(a_request(evolve(user, id=IDS.user_id()))))


async def test_of_one_kind_one_request_is_open_and_rectifications_are_as_many_as_there_are(
    ports: Ports, user: User
) -> None:
    first = a_request(user)
    await ports.privacy_requests.add(noted(first))
    assert await ports.privacy_requests.add(noted(a_request(user))) == first
    for _ in range(2):
        another = a_request(user, RequestKind.RECTIFICATION)
        assert await ports.privacy_requests.add(noted(another)) == another
    closed = first.cancel(now=LATER)
    assert closed is not None
    await ports.privacy_requests.save(noted(closed))
    again = a_request(user)
    assert await ports.privacy_requests.add(noted(again)) == again


async def test_a_step_is_kept_only_behind_the_version_before(ports: Ports, user: User) -> None:
    request = a_request(user)
    await ports.privacy_requests.add(noted(request))
    begun = request.begin(now=LATER)
    await ports.privacy_requests.save(noted(begun))
    assert await ports.privacy_requests.get(request.id) == begun
    with pytest.raises(RequestChangedError):
        await ports.privacy_requests.save(noted(request.begin(now=LATER)))
    assert await ports.privacy_requests.get(request.id) == begun


async def test_a_letter_to_the_person_goes_out_with_the_step(ports: Ports, user: User) -> None:
    request = a_request(user)
    await ports.privacy_requests.add(noted(request))
    before = await ports.deliveries.waiting()
    refused = request.refuse(Refusal(RefusalGround.EXCESSIVE, "too often"), now=LATER)
    assert refused is not None
    letter = Letter(Word.REFUSED, "grace@example.com", "Grace", None)
    await ports.privacy_requests.save(noted(refused, letter=letter))
    assert await ports.deliveries.waiting() == before + 1


async def test_pages_go_from_the_newest_to_the_oldest_and_filters_combine(ports: Ports, user: User) -> None:
    other = creation(a_profile())
    await must_commit(ports, other)
    made = [a_request(user, kind) for kind in (RequestKind.ACCESS, RequestKind.ERASURE, RequestKind.OBJECTION)]
    foreign = a_request(other.user, RequestKind.ACCESS, due_at=NOW - timedelta(days=1))
    for request in (*made, foreign):
        await ports.privacy_requests.add(noted(request))

    async def ids(wanted: RequestFilter, after: RequestId | None = None, limit: int = 10) -> list[RequestId]:
        page = await ports.privacy_requests.page(wanted, after=after, limit=limit)
        return [one.id for one in page.items]

    newest = [one.id for one in reversed(made)]
    assert await ids(RequestFilter(user.id)) == newest
    page = await ports.privacy_requests.page(RequestFilter(user.id), after=None, limit=2)
    assert page.next_cursor == newest[1]
    assert await ids(RequestFilter(user.id), after=newest[1]) == newest[2:]
    assert await ids(RequestFilter(kinds=frozenset({RequestKind.ACCESS}))) == [foreign.id, made[0].id]
    assert await ids(RequestFilter(overdue_at=NOW)) == [foreign.id]
    assert await ids(RequestFilter(states=frozenset({RequestState.REFUSED}))) == []
    assert await ports.privacy_requests.overdue(NOW) == {RequestKind.ACCESS: 1}


async def test_what_is_due_is_given_to_one_at_a_time(ports: Ports, user: User) -> None:
    request, waiting = a_request(user), a_request(user, RequestKind.ERASURE)
    await ports.privacy_requests.add(noted(request, run_at=NOW))
    await ports.privacy_requests.add(noted(waiting))

    async def claim(now: Any) -> list[RequestId]:
        lease = now + timedelta(minutes=1)
        return [one.id for one in await ports.privacy_requests.claim(now=now, lease_until=lease, limit=5)]

    assert await claim(NOW - timedelta(seconds=1)) == []
    assert await claim(NOW) == [request.id]
    assert await claim(NOW) == []
    assert await claim(NOW + timedelta(minutes=2)) == [request.id]
    await ports.privacy_requests.run_at(waiting.id, NOW)
    assert await claim(NOW) == [waiting.id]


async def test_a_hold_keeps_an_erasure_from_beginning_and_a_begun_one_keeps_holds_away(
    ports: Ports, user: User
) -> None:
    request = a_request(user, RequestKind.ERASURE)
    await ports.privacy_requests.add(noted(request, run_at=LATER))
    hold = LegalHold(user.id, "case-17", "a claim", NOW, OPERATOR)
    assert await ports.holds.place(hold, event_id=IDS.event_id(), context=a_context()) == hold
    again = evolve(hold, reason="another word", placed_at=LATER)
    assert await ports.holds.place(again, event_id=IDS.event_id(), context=a_context()) == hold
    assert await ports.holds.held([user.id, IDS.user_id()]) == {user.id}

    begun = request.begin_erasure(IDS.event_id(), now=LATER)
    with pytest.raises(UserHeldError):
        await ports.privacy_requests.save(noted(begun), unless_held=True)
    assert await ports.privacy_requests.get(request.id) == request

    end = Release(LATER, OPERATOR, "settled")
    for _ in range(2):
        ended = await ports.holds.release(user.id, "case-17", end, event_id=IDS.event_id(), context=a_context())
        assert ended == evolve(hold, release=end)
    assert await ports.holds.release(user.id, "none", end, event_id=IDS.event_id(), context=a_context()) is None
    assert await ports.holds.held([user.id]) == frozenset()
    assert list(await ports.holds.of(user.id)) == [evolve(hold, release=end)]

    await ports.privacy_requests.save(noted(begun), unless_held=True)
    with pytest.raises(ErasureUnderWayError):
        await ports.holds.place(again, event_id=IDS.event_id(), context=a_context())
    nobody = evolve(hold, user_id=IDS.user_id())
    with pytest.raises(UserNotFoundError):
        await ports.holds.place(nobody, event_id=IDS.event_id(), context=a_context())


async def test_an_archive_is_its_users_alone_and_expires(ports: Ports, user: User) -> None:
    request = RequestId(IDS.event_id())
    content = bytes(range(256)) * 8192
    await ports.archives.put(request, user.id, b"older", until=LATER)
    await ports.archives.put(request, user.id, content, until=LATER)
    assert await ports.archives.get(request, user.id, now=NOW) == content
    assert await ports.archives.get(request, IDS.user_id(), now=NOW) is None
    assert await ports.archives.get(request, user.id, now=LATER) is None
    assert await ports.archives.purge(NOW) == 0
    assert await ports.archives.purge(LATER) >= 1
    assert await ports.archives.get(request, user.id, now=NOW) is None
    with pytest.raises(UserErasedError):
        await ports.archives.put(request, IDS.user_id(), content, until=LATER)


async def test_the_last_place_in_the_ledger_is_known(ports: Ports, user: User) -> None:
    assert await ports.privacy_requests.last_ledger_sequence() == 0
    erasure = Erasure(ErasureStep.DRAIN, IDS.event_id(), NOW, ledger_sequence=17)
    await ports.privacy_requests.add(noted(a_request(user, RequestKind.ERASURE, erasure=erasure)))
    assert await ports.privacy_requests.last_ledger_sequence() == 17
