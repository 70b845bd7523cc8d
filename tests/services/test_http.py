"""What the three services are told over HTTP, by their contracts, on real connections."""

import asyncio
import threading
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, SECOND, SetClock, a_profile, creation, deactivation, update
from tests.services.fakes import FakeAudit, FakeAuthentication, FakeNotification, Service
from tests.services.server import Response
from usercore.adapters.http.client import retry_after
from usercore.delivery.breaker import BreakerLimits
from usercore.delivery.deliver_pending import DeliveryPolicy
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery, DeliveryState, Operation, Recipient
from usercore.kernel.secret import Secret
from usercore.users.ports import Change
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_ports
from usercore.wiring.services import Services

A, N, R = Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.AUDIT
HASH = "$argon2id$v=19$m=65536,t=3,p=4$made$up"


def told(change: Change, recipient: Recipient) -> Delivery:
    return next(one for one in deliveries_of(change) if one.recipient is recipient)


def the_same_about(delivery: Delivery, operation: Operation, **other: object) -> Delivery:
    """Give another delivery to the same recipient about the same user, a second later."""
    at = delivery.created_at + SECOND
    return evolve(delivery, event_id=IDS.event_id(), operation=operation, payload=other, secret=None, created_at=at)


async def test_a_credential_is_made_with_the_hash_and_without_one(
    services: Services, authentication: FakeAuthentication
) -> None:
    with_hash, invited = creation(a_profile("Grace@Example.com"), password_hash=HASH), creation()
    for change in (with_hash, invited):
        await services.authentication.credential(told(change, A))

    made = authentication.credentials[with_hash.user.id]
    assert (made["email"], made["passwordHash"], made["enabled"]) == ("Grace@Example.com", HASH, True)
    assert "passwordHash" not in authentication.credentials[invited.user.id]
    key = authentication.web.requests[0].headers["idempotency-key"]
    assert key == f'"{with_hash.event_id}:AUTHENTICATION"'


async def test_a_life_of_a_credential(services: Services, authentication: FakeAuthentication) -> None:
    created = creation(password_hash=HASH)
    user_id = created.user.id
    await services.authentication.credential(told(created, A))
    authentication.sessions[user_id] = 3

    renamed = update(created.user, username="grace")
    await services.authentication.credential(told(renamed, A))
    assert authentication.credentials[user_id]["username"] == "grace"
    await services.authentication.credential(told(deactivation(renamed.user), A))
    assert (authentication.credentials[user_id]["enabled"], authentication.sessions[user_id]) == (False, 0)
    back = the_same_about(told(deactivation(renamed.user), A), Operation.ENABLE_CREDENTIAL)
    await services.authentication.credential(back)
    assert authentication.credentials[user_id]["enabled"] is True
    await services.authentication.credential(the_same_about(back, Operation.REMOVE_CREDENTIAL))
    assert authentication.credentials == {}


async def test_what_is_gone_already_need_not_be_removed_or_disabled(services: Services) -> None:
    nobody = told(creation(), A)
    await services.authentication.credential(the_same_about(nobody, Operation.REMOVE_CREDENTIAL))
    await services.authentication.credential(the_same_about(nobody, Operation.DISABLE_CREDENTIAL))
    with pytest.raises(RecipientRefusedError) as caught:
        await services.authentication.credential(the_same_about(nobody, Operation.ENABLE_CREDENTIAL))
    assert caught.value.cause == "http_404"


async def test_credentials_are_looked_up_and_listed(services: Services, authentication: FakeAuthentication) -> None:
    changes = [creation() for _ in range(5)]
    for change in changes:
        await services.authentication.credential(told(change, A))
    directory = services.credentials
    assert directory is not None

    ids = [change.user.id for change in changes[:3]]
    states = await directory.states([*ids, IDS.user_id()])
    assert sorted(states) == sorted(ids)
    assert states[ids[0]].email == changes[0].user.profile.email.address
    assert await directory.states([]) == {}
    seen, after = [], None
    while True:
        page = await directory.page(after=after, limit=2)
        seen += [one.user_id for one in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert sorted(seen) == sorted(change.user.id for change in changes)


async def test_a_message_is_asked_for_with_all_that_its_text_is_made_of(
    services: Services, notification: FakeNotification
) -> None:
    change = creation(a_profile("Grace@Example.com", locale="de"), password_hash=HASH)
    await services.notification.notify(told(change, N))
    coded = evolve(told(creation(), N), secret=Secret("123456"))
    await services.notification.notify(coded)

    first, second = notification.sent
    assert first["kind"] == "SEND_WELCOME"
    assert first["content"] == {"email": "Grace@Example.com", "firstName": "Grace", "locale": "de"}
    assert "secret" not in first
    assert second["secret"] == {"value": "123456"}
    named = evolve(told(creation(), N), secret=Secret('{"code":"271828","token":"t"}'))
    await services.notification.notify(named)
    assert notification.sent[-1]["secret"] == {"code": "271828", "token": "t"}
    await services.notification.notify(the_same_about(coded, Operation.FORGET_USER))
    assert notification.web.requests[-1].method == "DELETE"


async def test_an_entry_is_kept_as_it_is(services: Services, audit: FakeAudit) -> None:
    entry = told(creation(), R)
    await services.audit.record(entry)
    await services.audit.record(entry)
    assert audit.entries == [dict(entry.payload)]
    with pytest.raises(RecipientRefusedError):
        await services.audit.record(the_same_about(entry, Operation.SEND_WELCOME))


@pytest.mark.parametrize("operation", list(Operation))
async def test_every_operation_is_known_to_exactly_one_service(services: Services, operation: Operation) -> None:
    delivery = the_same_about(told(creation(), N), operation, email="grace@example.com", username="grace")
    knows_it = []
    for recipient, tell in ((A, services.authentication.credential), (R, services.audit.record)):
        try:
            await tell(evolve(delivery, recipient=recipient))
        except RecipientRefusedError as error:
            if error.cause == "operation_unknown":
                continue
        except RecipientUnavailableError as error:
            assert error.cause == "http_599", "the service looked at it"  # noqa: PT017 -- one of several outcomes
        knows_it.append(recipient)
    if operation.startswith("SEND_") or operation is Operation.FORGET_USER:
        await services.notification.notify(delivery)
        knows_it.append(N)
    assert len(knows_it) == 1


async def test_the_token_goes_with_every_call(services: Services, audit: FakeAudit) -> None:
    await services.audit.record(told(creation(), R))
    audit.web.token = "another"
    with pytest.raises(RecipientUnavailableError) as caught:
        await services.audit.record(told(creation(), R))
    assert caught.value.cause == "http_401"


LATER = [401, 403, 407, 408, 409, 425, 429, 500, 502, 503, 504, 599, 301, 304]
NEVER = [400, 402, 404, 405, 410, 411, 413, 415, 422, 426, 431, 451]


@pytest.mark.parametrize("status", LATER)
async def test_some_answers_mean_later(services: Services, audit: FakeAudit, status: int) -> None:
    audit.web.scripted.append(Response(status, headers={"Retry-After": "7"}))
    with pytest.raises(RecipientUnavailableError) as caught:
        await services.audit.record(told(creation(), R))
    assert (caught.value.cause, caught.value.wait_s) == (f"http_{status}", 7.0)
    assert caught.value.alive == (status in {409, 425})


@pytest.mark.parametrize("status", NEVER)
async def test_other_answers_mean_never(services: Services, audit: FakeAudit, status: int) -> None:
    audit.web.scripted.append(Response(status))
    with pytest.raises(RecipientRefusedError) as caught:
        await services.audit.record(told(creation(), R))
    assert caught.value.cause == f"http_{status}"


async def test_a_service_that_is_away_hangs_up_or_hangs_is_tried_later(services: Services, audit: FakeAudit) -> None:
    async def cause() -> str:
        with pytest.raises(RecipientUnavailableError) as caught:
            await services.audit.record(told(creation(), R))
        return caught.value.cause

    audit.web.scripted.append(None)
    assert await cause() == "transport"
    audit.web.pause = threading.Event()
    assert await cause() == "timeout"
    audit.web.pause.set()
    audit.web.stop()
    assert await cause() in {"connect", "transport"}
    assert await cause() == "connect"


async def test_an_answer_that_cannot_be_read_is_no_answer(
    services: Services, authentication: FakeAuthentication
) -> None:
    assert services.credentials is not None
    unreadable: list[object] = [None, [], {"items": 1}, {"items": [{"userId": 1}]}, {"items": [{"userId": "u"}]}]
    for body in unreadable:
        authentication.web.scripted.append(Response(200, body))
        with pytest.raises(RecipientUnavailableError) as caught:
            await services.credentials.states([IDS.user_id()])
        assert caught.value.cause == "answer_unreadable"


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        (format_datetime(NOW.replace(microsecond=0) + timedelta(seconds=60), usegmt=True), 59.876544),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Sun, 01 Mar 2026 12:00:00", None),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_or_as_a_date(said: str, wait_s: float | None) -> None:
    assert retry_after({"Retry-After": said}, NOW) == pytest.approx(wait_s)


def test_where_nothing_is_said_there_is_nothing_to_wait_for() -> None:
    assert retry_after({}, NOW) is None


# What follows goes the whole way: changes are committed, deliveries are claimed, services fail, and in the end each
# has heard everything once.


def core_over(services: Services, clock: SetClock, **policy: object) -> Core:
    ports = evolve(
        memory_ports(clock=clock),
        authentication=services.authentication,
        notification=services.notification,
        audit=services.audit,
    )
    given = DeliveryPolicy(**{"breaker": BreakerLimits(failures=3), **policy})  # type: ignore[arg-type]
    return assemble(ports, delivery=given)


async def commit(core: Core, *changes: Change) -> None:
    assert list(await core.ports.writer.commit(changes)) == [None] * len(changes)


async def until_told(core: Core, clock: SetClock, rounds: int = 200) -> None:
    for _ in range(rounds):
        while await core.deliver_pending():
            pass
        if await core.ports.deliveries.waiting() == 0:
            return
        clock.advance(seconds=30)
    raise AssertionError("deliveries are left over")


def heard_once(service: Service, changes: list[Change]) -> bool:
    return sorted(service.done) == sorted(
        one.key for change in changes for one in deliveries_of(change) if one.key in service.done
    )


@pytest.mark.parametrize("down", ["authentication", "notification", "audit"])
async def test_while_a_service_is_down_the_others_hear_and_nothing_is_lost(
    services: Services,
    clock: SetClock,
    down: str,
    authentication: FakeAuthentication,
    notification: FakeNotification,
    audit: FakeAudit,
) -> None:
    fakes: Mapping[str, Service] = {
        "authentication": authentication,
        "notification": notification,
        "audit": audit,
    }
    core = core_over(services, clock)
    fakes[down].web.stop()
    changes = [creation(password_hash=HASH) for _ in range(12)]
    await commit(core, *changes)
    for _ in range(5):
        await core.deliver_pending()
        clock.advance(seconds=30)
    assert {name: len(fake.done) for name, fake in fakes.items()} == {name: 0 if name == down else 12 for name in fakes}

    fakes[down].web.start()
    await until_told(core, clock)

    assert all(len(fake.done) == 12 for fake in fakes.values())
    assert all(heard_once(fake, changes) for fake in fakes.values())


async def test_failures_of_every_kind_lose_nothing_and_repeat_nothing(
    services: Services,
    clock: SetClock,
    authentication: FakeAuthentication,
    notification: FakeNotification,
    audit: FakeAudit,
) -> None:
    core = core_over(services, clock)
    for fake in (authentication, notification, audit):
        busy = Response(429, headers={"Retry-After": "45"})
        fake.web.scripted.extend([Response(500), None, busy, Response(503), Response(408), Response(500), None])
    changes = [creation(password_hash=HASH) for _ in range(10)]
    changes += [update(change.user, username=f"name{number}") for number, change in enumerate(changes)]
    changes += [deactivation(change.user) for change in changes[10:]]
    await commit(core, *changes)
    clock.advance(seconds=5)

    await until_told(core, clock)

    assert len(authentication.done) == 30
    assert (len(notification.done), len(audit.done)) == (10, 30)
    for number, change in enumerate(changes[:10]):
        credential = authentication.credentials[change.user.id]
        assert (credential["username"], credential["enabled"]) == (f"name{number}", False)
    for change in changes[:10]:
        heard = [one["eventId"] for one in audit.entries if one["userId"] == change.user.id]
        assert heard == [one.event_id for one in changes if one.user.id == change.user.id]


async def test_a_service_that_is_slow_is_not_asked_for_more_than_it_can_bear(
    services: Services, clock: SetClock, audit: FakeAudit
) -> None:
    core = core_over(services, clock, concurrency=3)
    audit.web.pause = threading.Event()
    await commit(core, *[creation() for _ in range(9)])
    telling = asyncio.create_task(core.deliver_pending(R))
    assert await core.deliver_pending(N) == 9
    audit.web.pause.set()
    assert await telling == 9
    await until_told(core, clock)
    assert len(audit.done) == 9


async def test_what_a_service_refuses_is_kept_with_what_it_said_and_told_when_it_is_mended(
    services: Services, clock: SetClock, authentication: FakeAuthentication
) -> None:
    core = core_over(services, clock)
    authentication.web.scripted.append(Response(422))
    change = creation(password_hash=HASH)
    await commit(core, change)
    await until_told(core, clock)
    key = told(change, A).key

    failed = await core.get_delivery(key)
    assert (failed.state, failed.error_code) == (DeliveryState.FAILED, "http_422")
    await core.retry_delivery(key)
    await until_told(core, clock)

    assert (await core.get_delivery(key)).state is DeliveryState.DELIVERED
    assert authentication.credentials[change.user.id]["passwordHash"] == HASH


async def test_a_hash_is_gone_once_it_is_acknowledged_and_no_error_shows_it(
    services: Services, clock: SetClock, authentication: FakeAuthentication
) -> None:
    core = core_over(services, clock)
    authentication.web.scripted.append(Response(422, {"detail": HASH}))
    refused = told(creation(password_hash=HASH), A)
    with pytest.raises(RecipientRefusedError) as caught:
        await services.authentication.credential(refused)
    assert "argon2" not in repr(caught.value) + str(caught.value)

    change = creation(password_hash=HASH)
    await commit(core, change)
    await until_told(core, clock)
    [row] = [
        row
        for row in core.ports.deliveries.database.settled_deliveries.values()  # type: ignore[attr-defined]
        if row.delivery.recipient is A
    ]
    assert (row.delivery.secret, dict(row.delivery.payload)) == (None, {})
