"""What every UserWriter does with an ErasureRecord, and every ErasureTraces with what comes of it."""

from datetime import timedelta

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, OPERATOR, SECOND, a_profile, change_of, creation, update
from tests.contracts.footprints import must_commit
from tests.contracts.test_privacy_requests import a_request, noted
from tests.facts import order, record
from tests.letters import a_letter, a_message
from usercore.delivery.values import Recipient as Service
from usercore.messaging.values import DeadLetterFilter
from usercore.preferences.events import PreferencesRecord
from usercore.preferences.values import EmailPreference
from usercore.privacy.requests.errors import RequestChangedError
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.values import RequestKind, RequestState
from usercore.users.model import User
from usercore.users.ports import Change, Lookup, LookupKind
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

LATER = NOW + timedelta(days=1)
SAID = EmailPreference("news", subscribed=True, source="signup-form", at=NOW, wording_version="w1")


async def a_life(ports: Ports) -> User:
    """Commit a user with something in many tables."""
    first = creation(a_profile("erased@example.com", external_id="crm-1", phone_number="+4930123456"))
    second = update(first.user, first_name="Ada")
    second = evolve(second, records=(PreferencesRecord(first.user.id, (SAID,)),))
    await must_commit(ports, first, second)
    await record(ports, order("o1", second.user.id))
    named = a_message("update-user", key=second.user.id.encode(), value=f'{{"userId":"{second.user.id}"}}'.encode())
    await ports.dead_letters.add([a_letter(named)])
    return second.user


def erasure(user: User, request_id: RequestId) -> Change:
    change = change_of(user.erase(now=user.updated_at + SECOND, actor=OPERATOR))
    return evolve(change, records=(ErasureRecord(user.id, change.event_id, request_id),))


async def test_an_erasure_leaves_nothing_but_what_it_writes_itself(ports: Ports) -> None:
    user, other = await a_life(ports), creation()
    await must_commit(ports, other)
    asked = a_request(user, RequestKind.ERASURE)
    access = a_request(user, RequestKind.ACCESS)
    for one in (asked, access):
        await ports.privacy_requests.add(noted(one))
    await ports.archives.put(access.id, user.id, b"archive", until=LATER)
    assert await ports.erasure_traces.unsent(user.id) > 0

    change = erasure(user, asked.id)
    await must_commit(ports, change)

    found = (await ports.users.get_many([user.id]))[user.id]
    assert (found.status.state, found.profile) == (AccountState.ERASED, change.user.profile)
    for kind, value in ((LookupKind.EMAIL, "erased@example.com"), (LookupKind.EXTERNAL_ID, "crm-1")):
        assert await ports.users.find(Lookup(kind, value)) is None
    entries = await ports.history.entries(user.id, below_version=None, limit=10)
    assert [(entry.message, entry.changes) for entry in entries] == [
        ("UserErased", ()),
        ("UserUpdated", ()),
        ("UserCreated", ()),
    ]
    events = [one for one in await ports.outbox.messages(after=0, limit=20) if one.user_id == user.id]
    assert [one.message for one in events] == ["UserErased"]
    assert (await ports.preferences.get_many([user.id]))[user.id] == {}
    assert (await ports.dead_letters.page(DeadLetterFilter(), after=None, limit=5)).items == ()
    assert await ports.archives.get(access.id, user.id, now=NOW) is None
    assert (await ports.users.get_many([other.user.id]))[other.user.id] == other.user


async def test_the_other_requests_of_the_user_are_over_and_their_words_gone(ports: Ports) -> None:
    user = await a_life(ports)
    asked, access = a_request(user, RequestKind.ERASURE), a_request(user, RequestKind.ACCESS)
    for one in (asked, access):
        await ports.privacy_requests.add(noted(one))
    await must_commit(ports, erasure(user, asked.id))
    left = await ports.privacy_requests.get(access.id)
    assert left is not None
    assert (left.state, left.asked.text, left.version) == (RequestState.CANCELLED, None, access.version + 1)
    own = await ports.privacy_requests.get(asked.id)
    assert own is not None
    assert (own.state, own.asked.text, own.version) == (RequestState.ACCEPTED, None, asked.version)
    # Whoever was at it cannot write over what was erased.
    with pytest.raises(RequestChangedError):
        await ports.privacy_requests.save(noted(access.begin(now=LATER)))


async def test_receipts_come_from_whoever_has_acknowledged(ports: Ports) -> None:
    user = await a_life(ports)
    asked = a_request(user, RequestKind.ERASURE)
    await ports.privacy_requests.add(noted(asked))
    change = erasure(user, asked.id)
    await must_commit(ports, change)
    assert await ports.erasure_traces.receipts(user.id, change.event_id) == {}
    heard = await ports.deliveries.claim(
        recipient=Service.NOTIFICATION, now=LATER, lease_until=LATER + SECOND, limit=10
    )
    assert [one.event_id for one in heard] == [change.event_id]
    await ports.deliveries.acknowledge(heard, now=LATER)
    receipts = await ports.erasure_traces.receipts(user.id, change.event_id)
    assert {one.value: at for one, at in receipts.items()} == {"NOTIFICATION": LATER}
    assert await ports.erasure_traces.receipts(user.id, IDS.event_id()) == {}
