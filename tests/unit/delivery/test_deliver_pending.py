"""Telling the services around us, over memory, with a clock that the test moves and services that fail."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import define, evolve, field

from tests.builders import NOW, SetClock, creation, deactivation
from usercore.delivery.breaker import BreakerLimits
from usercore.delivery.deliver_pending import BATCH, LEASE, LONGEST_ASKED, LONGEST_WAIT, DeliveryPolicy, full_jitter
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.ports import AuthenticationService
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery, DeliveryLine, DeliveryState, Operation, Recipient
from usercore.kernel.errors import UnavailableError
from usercore.users.ports import Change
from usercore.wiring.core import Core, assemble

A, N, R = Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.AUDIT
NEVER_OPENS = BreakerLimits(failures=1_000_000)


@define
class Notes:
    """Takes down every try."""

    attempts: Counter[tuple[str, str]] = field(factory=Counter)
    breakers: dict[str, str] = field(factory=dict)

    def delivery_attempted(self, recipient: str, outcome: str) -> None:
        self.attempts[recipient, outcome] += 1

    def delivery_breaker(self, recipient: str, state: str) -> None:
        self.breakers[recipient] = state


@define
class Service:
    """A service that answers as the test says: an error, or None for yes."""

    answer: Callable[[Delivery], Exception | None] = lambda _: None
    heard: list[Delivery] = field(factory=list)
    tried: list[Delivery] = field(factory=list)

    async def credential(self, delivery: Delivery) -> None:
        self.tried.append(delivery)
        error = self.answer(delivery)
        if error is not None:
            raise error
        self.heard.append(delivery)


def refusing_first(number: int, error: Exception | None = None) -> Callable[[Delivery], Exception | None]:
    """Answer the first calls with an error, and the others with yes."""
    left = [error or UnavailableError()] * number
    return lambda _: left.pop() if left else None


def away(_: Delivery) -> Exception:
    return RecipientUnavailableError(cause="connect")


async def commit(core: Core, *changes: Change) -> None:
    assert list(await core.ports.writer.commit(changes)) == [None] * len(changes)


def over(core: Core, service: AuthenticationService, **policy: object) -> Core:
    """Give the core with a service for credentials; waits are as long as they can be unless the test says otherwise."""
    given = DeliveryPolicy(**{"jitter": lambda: 1.0, "breaker": NEVER_OPENS, **policy})  # type: ignore[arg-type]
    return assemble(evolve(core.ports, authentication=service), delivery=given)


async def line(core: Core, change: Change, recipient: Recipient = A) -> DeliveryLine:
    return await core.get_delivery(f"{change.event_id}:{recipient}")


async def test_each_service_hears_what_is_meant_for_it_once(core: Core) -> None:
    change = creation()
    await commit(core, change)

    assert [await core.deliver_pending() for _ in range(2)] == [3, 0]

    calls = core.ports.audit.calls  # type: ignore[attr-defined]
    assert sorted(calls, key=lambda one: one.key) == sorted(deliveries_of(change), key=lambda one: one.key)
    assert await core.ports.deliveries.waiting() == 0


async def test_one_recipient_alone_can_be_told(core: Core) -> None:
    await commit(core, creation())
    assert await core.deliver_pending(R) == 1
    assert await core.ports.deliveries.waiting() == 2


async def test_a_failed_delivery_waits_longer_each_time_and_is_not_dropped(core: Core, clock: SetClock) -> None:
    service = Service(refusing_first(4))
    core = over(core, service)
    await commit(core, creation())
    assert await core.deliver_pending() == 3

    for wait in (1, 2, 4, 8):
        clock.advance(seconds=wait - 0.5)
        assert await core.deliver_pending() == 0
        clock.advance(seconds=0.5)
        assert await core.deliver_pending() == 1

    assert [one.attempts for one in service.heard] == [4]
    assert await core.ports.deliveries.waiting() == 0


@pytest.mark.parametrize("jitter", [0.0, 0.25, 1.0])
async def test_a_wait_is_somewhere_between_none_and_the_whole(core: Core, clock: SetClock, jitter: float) -> None:
    core = over(core, Service(away), jitter=lambda: jitter)
    change = creation()
    await commit(core, change)

    for tries in range(12):
        await core.deliver_pending(A)
        whole = min(timedelta(seconds=2**tries), LONGEST_WAIT)
        due_at = (await line(core, change)).due_at
        assert due_at == clock.now() + whole * jitter
        clock.time = due_at


def test_jitter_is_full() -> None:
    drawn = [full_jitter() for _ in range(1000)]
    assert all(0 <= one < 1 for one in drawn)
    assert min(drawn) < 0.05
    assert max(drawn) > 0.95


async def test_the_wait_has_a_limit(core: Core, clock: SetClock) -> None:
    service = Service(refusing_first(30))
    core = over(core, service)
    await commit(core, creation())
    for _ in range(31):
        await core.deliver_pending()
        clock.advance(seconds=LONGEST_WAIT.total_seconds())

    assert [one.attempts for one in service.heard] == [30]


async def test_a_service_that_asks_for_time_is_left_alone_that_long_with_all_that_is_for_it(
    core: Core, clock: SetClock
) -> None:
    service = Service(refusing_first(1, RecipientUnavailableError(cause="http_429", wait_s=90)))
    core = over(core, service, concurrency=1)
    await commit(core, *[creation() for _ in range(3)])

    assert await core.deliver_pending(A) == 3
    assert len(service.tried) == 1
    clock.advance(seconds=89)
    assert await core.deliver_pending(A) == 0
    clock.advance(seconds=1)
    while await core.deliver_pending(A):
        pass

    assert len(service.heard) == 3
    assert sorted(one.attempts for one in service.heard) == [0, 0, 1]


async def test_nobody_can_ask_for_more_time_than_is_sensible(core: Core, clock: SetClock) -> None:
    core = over(core, Service(refusing_first(1, RecipientUnavailableError(wait_s=1e9))))
    change = creation()
    await commit(core, change)
    await core.deliver_pending(A)
    assert (await line(core, change)).due_at == clock.now() + LONGEST_ASKED


async def test_what_is_refused_for_good_is_given_up_at_once_and_what_follows_goes_on(core: Core) -> None:
    service = Service(refusing_first(1, RecipientRefusedError(cause="http_422")))
    core = over(core, service)
    created = creation(password_hash="$argon2id$made-up")
    await commit(core, created, deactivation(created.user))

    while await core.deliver_pending(A):
        pass

    assert [one.operation for one in service.heard] == []
    failed = await line(core, created)
    assert (failed.state, failed.error_code, failed.attempts) == (DeliveryState.FAILED, "http_422", 1)


async def test_what_follows_a_refused_delivery_is_told_when_it_is_due(core: Core, clock: SetClock) -> None:
    service = Service(refusing_first(1, RecipientRefusedError(cause="http_422")))
    core = over(core, service)
    created = creation()
    await commit(core, created, deactivation(created.user))
    clock.advance(seconds=1)

    while await core.deliver_pending(A):
        pass

    assert [one.operation for one in service.heard] == [Operation.DISABLE_CREDENTIAL]


async def test_a_delivery_is_given_up_once_it_was_tried_often_enough_and_is_old_enough(
    core: Core, clock: SetClock
) -> None:
    core = over(core, Service(away), attempts=3, give_up_after=timedelta(hours=1))
    change = creation()
    await commit(core, change)

    for _ in range(5):
        await core.deliver_pending(A)
        assert (await line(core, change)).state is DeliveryState.WAITING
        clock.advance(minutes=10)
    clock.time = NOW + timedelta(hours=1)
    await core.deliver_pending(A)

    failed = await line(core, change)
    assert (failed.state, failed.error_code, failed.attempts) == (DeliveryState.FAILED, "connect", 6)
    assert await core.deliver_pending(A) == 0


async def test_an_old_delivery_is_not_given_up_before_it_was_tried_often_enough(core: Core, clock: SetClock) -> None:
    core = over(core, Service(away), attempts=3, give_up_after=timedelta(hours=1))
    change = creation()
    await commit(core, change)
    clock.advance(hours=100)

    states = []
    for _ in range(3):
        await core.deliver_pending(A)
        states.append((await line(core, change)).state)
        clock.advance(hours=1)

    assert states == [DeliveryState.WAITING, DeliveryState.WAITING, DeliveryState.FAILED]


async def test_what_was_given_up_is_told_when_an_operator_says_so(core: Core, clock: SetClock) -> None:
    service = Service(refusing_first(1, RecipientRefusedError(cause="http_422")))
    core = over(core, service)
    change = creation(password_hash="$argon2id$made-up")
    await commit(core, change)
    await core.deliver_pending(A)

    waiting = await core.retry_delivery(f"{change.event_id}:{A}")
    assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, 0)
    assert await core.deliver_pending(A) == 1

    [heard] = service.heard
    assert heard.secret is not None
    assert heard.secret.reveal() == "$argon2id$made-up"


async def test_a_service_that_is_down_keeps_its_order_and_holds_up_no_other(core: Core, clock: SetClock) -> None:
    service = Service(refusing_first(1))
    core = over(core, service)
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


async def test_a_service_that_fails_again_and_again_is_left_alone_and_nothing_is_counted(
    core: Core, clock: SetClock
) -> None:
    service, notes = Service(away), Notes()
    core = over(core, service, breaker=BreakerLimits(failures=5), concurrency=1, observer=notes)
    await commit(core, *[creation() for _ in range(20)])

    assert await core.deliver_pending() == 60
    assert len(service.tried) == 5
    assert notes.breakers == {"AUTHENTICATION": "open", "NOTIFICATION": "closed", "AUDIT": "closed"}
    assert notes.attempts == {
        ("AUTHENTICATION", "postponed"): 5,
        ("NOTIFICATION", "delivered"): 20,
        ("AUDIT", "delivered"): 20,
    }
    clock.advance(seconds=9)
    assert await core.deliver_pending() == 0
    assert len(service.tried) == 5
    assert await core.ports.deliveries.waiting() == 20


async def test_a_service_that_was_left_alone_is_probed_with_one_delivery(core: Core, clock: SetClock) -> None:
    service, notes = Service(away), Notes()
    core = over(core, service, breaker=BreakerLimits(failures=5), observer=notes)
    await commit(core, *[creation() for _ in range(20)])
    await core.deliver_pending(A)
    before = len(service.tried)

    clock.advance(seconds=10)
    assert await core.deliver_pending(A) == 1
    assert len(service.tried) == before + 1
    clock.advance(seconds=19)
    assert await core.deliver_pending(A) == 0, "the second time it is left alone twice as long"
    service.answer = lambda _: None
    clock.advance(seconds=1)
    assert await core.deliver_pending(A) == 1
    assert notes.breakers["AUTHENTICATION"] == "closed"
    clock.advance(seconds=60)
    while await core.deliver_pending(A):
        pass

    assert len(service.heard) == len({one.key for one in service.heard}) == 20


async def test_a_refusal_is_a_sign_of_life(core: Core) -> None:
    service, notes = Service(lambda _: RecipientRefusedError(cause="http_422")), Notes()
    core = over(core, service, breaker=BreakerLimits(failures=2), observer=notes)
    await commit(core, *[creation() for _ in range(5)])
    await core.deliver_pending(A)
    assert notes.breakers["AUTHENTICATION"] == "closed"
    assert notes.attempts == {("AUTHENTICATION", "refused"): 5}


async def test_one_request_that_cannot_be_done_now_does_not_shut_out_the_others(core: Core, clock: SetClock) -> None:
    service, notes = Service(lambda _: RecipientUnavailableError(cause="http_409", wait_s=60, alive=True)), Notes()
    core = over(core, service, breaker=BreakerLimits(failures=2), observer=notes)
    await commit(core, *[creation() for _ in range(5)])
    assert await core.deliver_pending(A) == 5
    assert notes.attempts == {("AUTHENTICATION", "postponed"): 5}
    assert notes.breakers["AUTHENTICATION"] == "closed"
    clock.advance(seconds=59)
    assert await core.deliver_pending(A) == 0, "each waits as long as it was asked to"


@define
class Slow:
    """A service that holds every call until the test lets it go."""

    go: asyncio.Event = field(factory=asyncio.Event)
    at_once: int = 0
    most: int = 0
    full: asyncio.Event = field(factory=asyncio.Event)

    async def credential(self, delivery: Delivery) -> None:  # noqa: ARG002
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once == 3:
            self.full.set()
        await self.go.wait()
        self.at_once -= 1


async def test_calls_to_one_service_run_side_by_side_up_to_a_bound_and_hold_up_no_other(core: Core) -> None:
    service = Slow()
    core = over(core, service, concurrency=3)
    await commit(core, *[creation() for _ in range(10)])

    slow = asyncio.create_task(core.deliver_pending(A))
    await service.full.wait()
    assert await core.deliver_pending(R) == 10
    assert service.most == 3
    service.go.set()
    assert await slow == 10
    assert service.most == 3


async def test_what_cannot_be_told_within_the_lease_is_given_back(core: Core, clock: SetClock) -> None:
    def dawdle(_: Delivery) -> None:
        clock.advance(seconds=25)

    service = Service(dawdle)
    core = over(core, service, concurrency=1)
    await commit(core, *[creation() for _ in range(4)])

    assert await core.deliver_pending(A) == 4
    assert len(service.heard) == 2
    assert await core.deliver_pending(A) == 2
    assert len({one.key for one in service.heard}) == 4


async def test_what_was_heard_before_the_process_ended_is_not_told_again(core: Core, clock: SetClock) -> None:
    stuck = asyncio.Event()

    @define
    class Halfway:
        heard: int = 0

        async def credential(self, delivery: Delivery) -> None:  # noqa: ARG002
            if self.heard == 2:
                stuck.set()
                await asyncio.Event().wait()
            self.heard += 1

    core = over(core, Halfway(), concurrency=1)
    await commit(core, *[creation() for _ in range(3)])
    running = asyncio.create_task(core.deliver_pending(A))
    await stuck.wait()
    running.cancel()
    await asyncio.wait([running])

    clock.advance(seconds=LEASE.total_seconds())
    assert len(await core.ports.deliveries.claim(recipient=A, now=clock.now(), lease_until=clock.now(), limit=9)) == 1


async def test_a_bug_in_one_call_is_told_of_and_harms_no_other(core: Core, clock: SetClock) -> None:
    bad = creation()
    service = Service(lambda one: ZeroDivisionError() if one.event_id == bad.event_id else None)
    core = over(core, service)
    await commit(core, creation(), bad, creation())

    with pytest.raises(ZeroDivisionError):
        await core.deliver_pending()

    assert len(service.heard) == 2
    kept = await line(core, bad)
    assert (kept.state, kept.error_code, kept.attempts) == (DeliveryState.WAITING, "internal_error", 1)
    assert await core.ports.deliveries.waiting() == 1


async def test_what_was_in_hand_when_the_process_died_comes_again_after_its_lease(core: Core, clock: SetClock) -> None:
    await commit(core, creation())
    await core.ports.deliveries.claim(recipient=A, now=clock.now(), lease_until=clock.now() + LEASE, limit=10)

    assert await core.deliver_pending(A) == 0
    clock.advance(seconds=LEASE.total_seconds())
    assert await core.deliver_pending(A) == 1


async def test_a_long_queue_is_worked_off_batch_by_batch(core: Core) -> None:
    await commit(core, *[creation() for _ in range(BATCH + 1)])

    taken = []
    while one := await core.deliver_pending(R):
        taken.append(one)

    assert taken == [BATCH, 1]
