"""The relay over ports in memory: what it does when publishing hangs or fails, and when it is stopped."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from attrs import define, field

from tests.builders import SetClock, creation
from tests.e2e.harness.waiting import until_so
from usercore.delivery.ports import EventPublisher, OutboxMessage, OutboxWakeups, ProfileState
from usercore.delivery.relay import RelayLimits, RelayOutbox
from usercore.delivery.republish import RepublishProfiles
from usercore.delivery.sharding import SHARDS, shard_of
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId
from usercore.messaging.errors import MessageTooLargeError
from usercore.observe.metrics import Metrics
from usercore.settings import RelaySettings
from usercore.wiring.core import Ports
from usercore.wiring.memory import memory_ports
from usercore.wiring.relaying import Relay


@define
class GatedPublisher:
    """Publishes once its gate is open; raises what stands in its list first."""

    opened: asyncio.Event = field(factory=asyncio.Event)
    reached: asyncio.Event = field(factory=asyncio.Event)
    failures: list[Exception] = field(factory=list)
    messages: list[OutboxMessage] = field(factory=list)
    profiles: list[ProfileState] = field(factory=list)

    async def publish(self, messages: Sequence[OutboxMessage], profiles: Sequence[ProfileState]) -> None:
        self.reached.set()
        if self.failures:
            raise self.failures.pop(0)
        await self.opened.wait()
        self.messages += messages
        self.profiles += profiles


@define
class Bell:
    """Wakes whoever waits when it is rung."""

    rung: asyncio.Event = field(factory=asyncio.Event)
    waits: int = 0

    async def wait(self, at_most_s: float) -> None:  # noqa: ARG002 -- it is rung, or the test fails
        self.waits += 1
        await self.rung.wait()
        self.rung.clear()

    async def sleeps(self, times: int = 1) -> None:
        """Return once the relay has come to wait for the bell that often."""
        await until_so(lambda: self.waits >= times, "the relay sleeps")


def relay_over(ports: Ports, publisher: EventPublisher, bell: OutboxWakeups, metrics: Metrics | None = None) -> Relay:
    relay = RelayOutbox(ports.shards, publisher, ports.clock)
    return Relay(relay, bell, RelaySettings(), metrics or Metrics())


async def test_brokers_that_do_not_acknowledge_in_time_are_not_waited_for() -> None:
    ports, publisher = memory_ports(), GatedPublisher()
    await ports.writer.commit([creation()])
    relay = RelayOutbox(ports.shards, publisher, ports.clock, RelayLimits(publish_timeout_s=0.01))

    with pytest.raises(UnavailableError, match="did not acknowledge in time"):
        await relay()

    assert await ports.outbox.pending() == 1
    publisher.opened.set()
    relayed = await relay()
    assert relayed is not None
    assert [message.event_id for message in relayed.batch.messages] == [publisher.messages[0].event_id]
    assert await relay() is None


async def test_a_relay_that_is_stopped_finishes_the_batch_that_it_began() -> None:
    ports, publisher = memory_ports(), GatedPublisher()
    await ports.writer.commit([creation()])
    running = asyncio.create_task(relay_over(ports, publisher, Bell()).run())
    await publisher.reached.wait()

    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    publisher.opened.set()
    await asyncio.wait([running])

    assert running.cancelled()
    assert len(publisher.messages) == 1
    assert await ports.outbox.pending() == 0


async def test_a_relay_sleeps_when_nothing_is_left_and_goes_on_when_it_is_woken() -> None:
    ports, publisher, bell = memory_ports(), GatedPublisher(), Bell()
    publisher.opened.set()
    await ports.writer.commit([creation()])
    running = asyncio.create_task(relay_over(ports, publisher, bell).run())
    try:
        await bell.sleeps()
        assert len(publisher.messages) == 1
        await ports.writer.commit([creation()])
        bell.rung.set()
        await bell.sleeps(2)
        assert len(publisher.messages) == 2
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_relay_that_fails_counts_it_and_tries_again() -> None:
    ports, publisher, bell, metrics = memory_ports(), GatedPublisher(), Bell(), Metrics()
    publisher.opened.set()
    publisher.failures = [UnavailableError("away"), MessageTooLargeError("too large"), KeyError("a bug")]
    await ports.writer.commit([creation()])
    running = asyncio.create_task(relay_over(ports, publisher, bell, metrics).run())
    try:
        await bell.sleeps()
    finally:
        running.cancel()
        await asyncio.wait([running])

    assert len(publisher.messages) == 1
    text = metrics.scrape().decode()
    for code in ("unavailable", "message_too_large", "internal_error"):
        assert f'user_service_relay_failures_total{{code="{code}"}} 1.0' in text


@define
class Refusing(GatedPublisher):
    """Does not take the events of one user."""

    refused: UserId | None = None

    async def publish(self, messages: Sequence[OutboxMessage], profiles: Sequence[ProfileState]) -> None:
        if self.refused in {message.user_id for message in messages}:
            raise MessageTooLargeError
        self.messages += messages
        self.profiles += profiles


async def calls(relay: RelayOutbox, count: int) -> None:
    for _ in range(count):
        with suppress(MessageTooLargeError):
            await relay()


async def test_an_event_that_the_brokers_do_not_take_holds_up_its_own_shard_alone_and_is_tried_again() -> None:
    clock = SetClock()
    ports, changes = memory_ports(clock=clock), [creation() for _ in range(40)]
    await ports.writer.commit(changes)
    publisher = Refusing(refused=changes[0].user.id)
    relay = RelayOutbox(ports.shards, publisher, clock)
    beside = [one for one in changes if shard_of(one.user.id) != shard_of(changes[0].user.id)]

    await calls(relay, 2 + SHARDS)
    assert {message.event_id for message in publisher.messages} == {one.event_id for one in beside}

    publisher.refused = None
    await calls(relay, 1)
    assert await ports.outbox.pending() == len(changes) - len(beside)
    clock.advance(seconds=31)
    await calls(relay, 3)
    assert await ports.outbox.pending() == 0
    assert relay._refusals == type(relay._refusals)()


async def test_a_page_of_profiles_that_is_not_acknowledged_in_time_is_given_up() -> None:
    ports, publisher = memory_ports(), GatedPublisher()
    change = creation()
    await ports.writer.commit([change])
    republish = RepublishProfiles(ports.shards, publisher, 0.01)

    with pytest.raises(UnavailableError, match="did not acknowledge in time"):
        await republish(after=None, limit=10)
    publisher.opened.set()
    [state] = await republish(after=None, limit=10)

    assert state.user_id == change.user.id
    assert list(await republish(after=state.user_id, limit=10)) == []
