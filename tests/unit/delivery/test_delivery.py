"""Telling the services around us, over memory and with services that fail."""

import json

import pytest
from attrs import define, evolve, field

from tests.builders import NOW, SetClock, a_profile, change_of, creation, deactivation, in_state, update
from usercore.delivery.deliver_pending import BATCH, LEASE, LONGEST_WAIT
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.errors import UnavailableError
from usercore.users.ports import Change
from usercore.users.values import AccountState
from usercore.wiring.core import Core, assemble

A, N, R = Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.AUDIT
ENTRY = (R, Operation.RECORD_ENTRY)


def routes(change: Change) -> list[tuple[Recipient, Operation]]:
    return [(one.recipient, one.operation) for one in deliveries_of(change)]


def test_a_creation_provisions_a_credential_and_greets() -> None:
    assert routes(creation(password_hash="$argon2id$x")) == [
        (A, Operation.PROVISION_CREDENTIAL),
        (N, Operation.SEND_WELCOME),
        ENTRY,
    ]
    assert routes(creation()) == [(A, Operation.PROVISION_CREDENTIAL), (N, Operation.SEND_INVITATION), ENTRY]


def test_the_authentication_service_hears_of_logins_and_of_nothing_else() -> None:
    user = creation().user
    assert routes(update(user, first_name="Ada")) == [ENTRY]
    assert routes(update(user, username="grace")) == [(A, Operation.CHANGE_LOGIN), ENTRY]
    ended = deactivation(user)
    assert routes(ended) == [(A, Operation.DISABLE_CREDENTIAL), ENTRY]
    back = change_of(ended.user.reactivate(reason=None, now=NOW, actor=ended.user.status.actor))
    assert routes(back) == [(A, Operation.ENABLE_CREDENTIAL), ENTRY]


def test_the_hash_goes_to_the_authentication_service_alone() -> None:
    for delivery in deliveries_of(creation(password_hash="$argon2id$x")):
        assert (delivery.secret is not None) == (delivery.recipient is A)
        assert "argon2id" not in repr(delivery)
        assert "argon2id" not in json.dumps(delivery.payload)


def test_the_audit_entry_names_fields_and_holds_no_value() -> None:
    change = update(creation(a_profile("canary@example.com")).user, first_name="Canary")

    [entry] = deliveries_of(change)

    assert dict(entry.payload) == {
        "userId": change.user.id,
        "sequence": 2,
        "eventId": change.event_id,
        "at": change.user.updated_at.isoformat(),
        "actor": "OPERATOR:ada",
        "action": "UserUpdated",
        "fields": ["first_name"],
        "correlationId": "conversation-1",
        "causationId": "request-1",
    }


def test_the_welcome_is_written_to_the_address_as_given() -> None:
    change = creation(a_profile("Grace@Example.com", locale="de"))

    letter = next(one.payload for one in deliveries_of(change) if one.recipient is N)

    assert letter == {"email": "Grace@Example.com", "firstName": "Grace", "locale": "de"}


@define
class Flaky:
    """A service that refuses the first calls, and takes down the others."""

    refusals: int
    heard: list[Delivery] = field(factory=list)

    async def credential(self, delivery: Delivery) -> None:
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError
        self.heard.append(delivery)


async def commit(core: Core, *changes: Change) -> None:
    assert list(await core.ports.writer.commit(changes)) == [None] * len(changes)


def with_flaky(core: Core, refusals: int) -> tuple[Core, Flaky]:
    service = Flaky(refusals)
    return assemble(evolve(core.ports, authentication=service)), service


async def test_each_service_hears_what_is_meant_for_it_once(core: Core) -> None:
    change = creation()
    await commit(core, change)

    assert [await core.deliver_pending() for _ in range(2)] == [3, 0]

    calls = core.ports.audit.calls  # type: ignore[attr-defined]
    assert list(calls) == list(deliveries_of(change))
    assert await core.ports.deliveries.waiting() == 0


async def test_a_refused_delivery_waits_longer_each_time_and_is_not_dropped(core: Core, clock: SetClock) -> None:
    core, service = with_flaky(core, refusals=4)
    await commit(core, creation())
    assert await core.deliver_pending() == 3

    for wait in (1, 2, 4, 8):
        clock.advance(seconds=wait - 0.5)
        assert await core.deliver_pending() == 0
        clock.advance(seconds=0.5)
        assert await core.deliver_pending() == 1

    assert [one.attempts for one in service.heard] == [4]
    assert await core.ports.deliveries.waiting() == 0


async def test_the_wait_has_a_limit(core: Core, clock: SetClock) -> None:
    core, service = with_flaky(core, refusals=30)
    await commit(core, creation())
    for _ in range(31):
        await core.deliver_pending()
        clock.advance(seconds=LONGEST_WAIT.total_seconds())

    assert [one.attempts for one in service.heard] == [30]


async def test_a_service_that_is_down_keeps_its_order_and_holds_up_no_other(core: Core, clock: SetClock) -> None:
    core, service = with_flaky(core, refusals=1)
    created = creation()
    ended = deactivation(created.user)
    await commit(core, created, ended)
    clock.advance(seconds=1)

    while await core.deliver_pending():
        pass
    audited = [one.event_id for one in core.ports.audit.calls if one.recipient is R]  # type: ignore[attr-defined]
    assert audited == [created.event_id, ended.event_id]
    assert service.heard == []

    clock.advance(seconds=1)
    while await core.deliver_pending():
        pass
    assert [one.operation for one in service.heard] == [Operation.PROVISION_CREDENTIAL, Operation.DISABLE_CREDENTIAL]


@define
class Broken:
    """A service whose client has a bug."""

    async def credential(self, delivery: Delivery) -> None:
        raise ZeroDivisionError(delivery.operation)


async def test_what_was_in_hand_when_the_program_broke_comes_again_after_its_lease(core: Core, clock: SetClock) -> None:
    broken = assemble(evolve(core.ports, authentication=Broken()))
    await commit(core, creation())
    with pytest.raises(ZeroDivisionError):
        await broken.deliver_pending()

    assert await core.deliver_pending() == 0
    clock.advance(seconds=LEASE.total_seconds())
    assert await core.deliver_pending() == 3
    assert await core.ports.deliveries.waiting() == 0


async def test_a_long_queue_is_worked_off_batch_by_batch(core: Core) -> None:
    await commit(core, *[creation() for _ in range(BATCH)])

    taken = []
    while one := await core.deliver_pending():
        taken.append(one)

    assert taken == [BATCH] * 3


def test_a_user_that_begins_in_another_state_is_routed_by_its_event() -> None:
    assert routes(in_state(creation(), AccountState.DEACTIVATED))[-1] == ENTRY


def test_an_erasure_is_told_to_everybody_and_says_nothing_personal() -> None:
    user = creation(a_profile("canary@example.com", first_name="Canary")).user
    change = change_of(user.erase(now=NOW, actor=user.status.actor))
    assert routes(change) == [(A, Operation.REMOVE_CREDENTIAL), (N, Operation.FORGET_USER), ENTRY]
    assert all("anary" not in json.dumps(one.payload) for one in deliveries_of(change))
