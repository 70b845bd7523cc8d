"""A batch from records to their ends, over a core in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
from attrs import evolve

from tests.builders import OPERATOR, SetClock
from tests.unit.messaging.senders import RecordingSender
from user_stream.assembly import Processor, open_processor
from user_stream.retrying import GivenUpError
from usercore.codec.messages import redacted
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.messaging.bury import BuryMessage
from usercore.messaging.values import DeadLetter, DeadLetterFilter, RawMessage
from usercore.observe.metrics import Metrics
from usercore.settings import ConsumerSettings, StreamSettings, load
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.read_users import UserNamed
from usercore.wiring.core import Core, assemble

SETTINGS = load(
    StreamSettings,
    {
        "KAFKA_BOOTSTRAP": "127.0.0.1:9092",
        "USER_SERVICE_STREAM_RETRIES": "3",
        "USER_SERVICE_STREAM_RETRY_FIRST_S": "0.01",
        "USER_SERVICE_STREAM_RETRY_LONGEST_S": "0.01",
        "USER_SERVICE_PARKED_LIMIT_S": "60",
    },
)


class NoSink:
    """Publishes dead letters nowhere."""

    async def publish(self, letter: DeadLetter) -> None:
        """Do nothing."""


class Writer:
    """The core's writer, which fails when told to, and says in which order it is asked."""

    def __init__(self, core: Core) -> None:
        self._inner = core.ports.writer
        self.failures: list[Exception] = []
        self.poison: str | None = None
        self.begun: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        self.begun.extend(change.user.profile.first_name for change in changes)
        if any(change.user.profile.first_name == self.poison for change in changes):
            raise KeyError("a bug")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        if self.failures:
            raise self.failures.pop(0)
        return await self._inner.commit(changes)


@pytest.fixture
def writer(core: Core) -> Writer:
    return Writer(core)


@pytest.fixture
def service(core: Core, writer: Writer) -> Core:
    return assemble(evolve(core.ports, writer=writer))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest_asyncio.fixture
async def processor(service: Core, metrics: Metrics, sender: RecordingSender) -> AsyncIterator[Processor]:
    ports = service.ports
    bury = BuryMessage(ports.dead_letters, NoSink(), ports.clock, ports.ids, redacted)
    async with open_processor(
        service, SETTINGS, metrics, sender=sender, bury=bury, stopping=asyncio.Event(), hashes=2
    ) as opened:
        yield opened


class Topic:
    """Makes records of one topic, one behind the other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.offset = -1

    def __call__(self, payload: Mapping[str, Any] | bytes, *, key: str | None = None, **headers: str) -> RawMessage:
        self.offset += 1
        value = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        pairs = tuple((name.replace("_to", "-to"), text.encode()) for name, text in headers.items())
        return RawMessage(self.name, 0, self.offset, 1_000, None if key is None else key.encode(), value, pairs)


async def made(core: Core, name: str = "Grace") -> User:
    profile = ProfilePatch(email=f"{core.ports.ids.event_id()}@mail.example", first_name=name, last_name="H")
    context = CommandContext(OPERATOR, correlation_id="c")
    return await core.create_user(CreateUserCommand(profile), context)


def ends(metrics: Metrics, topic: str) -> dict[str, int]:
    """Return how many messages of a topic ended in which way."""
    found = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name == "user_service_stream_messages_total" and sample.labels["topic"] == topic:
                found[sample.labels["outcome"]] = int(sample.value)
    return found


async def letters(core: Core) -> list[str]:
    page = await core.ports.dead_letters.page(DeadLetterFilter(), after=None, limit=100)
    return [letter.code for letter in page.items]


async def test_equal_keys_are_in_order_and_different_ones_side_by_side(
    processor: Processor, service: Core, writer: Writer, metrics: Metrics
) -> None:
    users = [await made(service) for _ in range(5)]
    writer.begun.clear()
    writer.most_at_once = 0
    update = Topic("update-user")
    batch = [update({"userId": user.id, "firstName": f"Name {turn}"}) for turn in range(4) for user in users]
    await processor.process(batch)
    for user in users:
        now = await service.get_user(UserNamed(user_id=user.id))
        assert (now.version, now.profile.first_name) == (5, "Name 3")
    assert writer.most_at_once > 1
    assert ends(metrics, "update-user") == {"applied": 20}


async def test_creations_with_the_same_address_are_in_order(
    processor: Processor, service: Core, metrics: Metrics
) -> None:
    create = Topic("create-user")
    base = {"email": "Grace@mail.example", "lastName": "H", "password": "correct horse"}
    emails = ["grace@mail.example", "GRACE@mail.example", " grace@MAIL.example"]
    await processor.process([create(base | {"email": one, "firstName": f"N{n}"}) for n, one in enumerate(emails)])
    user = await service.get_user(UserNamed(email="grace@mail.example"))
    assert user.profile.first_name == "N0"
    assert ends(metrics, "create-user") == {"applied": 1, "rejected": 2}


async def test_a_repetition_within_a_batch_or_behind_it_has_no_effect(
    processor: Processor, service: Core, metrics: Metrics
) -> None:
    user = await made(service)
    message = Topic("update-user")({"userId": user.id, "firstName": "New"})
    await processor.process([message, message])
    await processor.process([message])
    assert (await service.get_user(UserNamed(user_id=user.id))).version == 2
    assert ends(metrics, "update-user") == {"applied": 1, "repeated": 2}


async def test_what_fails_for_a_moment_is_applied_once(processor: Processor, service: Core, writer: Writer) -> None:
    user = await made(service)
    writer.failures = [UnavailableError(), UnavailableError()]
    await processor.process([Topic("update-user")({"userId": user.id, "firstName": "New"})])
    assert (await service.get_user(UserNamed(user_id=user.id))).version == 2
    assert await letters(service) == []


async def test_a_part_that_stays_away_ends_the_batch_and_makes_no_dead_letter(
    processor: Processor, service: Core, writer: Writer
) -> None:
    user = await made(service)
    message = Topic("update-user")({"userId": user.id, "firstName": "New"})
    writer.failures = [UnavailableError() for _ in range(4)]
    with pytest.raises(GivenUpError):
        await processor.process([message])
    assert await letters(service) == []
    await processor.process([message])
    assert (await service.get_user(UserNamed(user_id=user.id))).version == 2


async def test_a_bug_about_one_message_makes_a_dead_letter_of_it_alone(
    processor: Processor, service: Core, writer: Writer, metrics: Metrics
) -> None:
    user, other = await made(service), await made(service)
    writer.poison = "Poison"
    update = Topic("update-user")
    await processor.process(
        [
            update({"userId": user.id, "firstName": "Poison"}),
            update({"userId": user.id, "firstName": "Behind it"}),
            update({"userId": other.id, "firstName": "Beside it"}),
        ]
    )
    assert await letters(service) == ["internal_error"]
    names = [(await service.get_user(UserNamed(user_id=one.id))).profile.first_name for one in (user, other)]
    assert names == ["Behind it", "Beside it"]
    assert ends(metrics, "update-user") == {"applied": 2, "dead_letter": 1}


async def test_facts_are_told_once_and_early_ones_when_what_they_wait_for_is_known(
    processor: Processor, service: Core, metrics: Metrics, clock: SetClock
) -> None:
    user = await made(service)
    failed = Topic("payment-failed")(
        {"paymentId": "p", "orderId": "o", "errorCode": "x", "errorMessage": "y", "timestamp": "2025-01-01T00:00:00Z"}
    )
    placed = Topic("order-placed")(
        {"orderId": "o", "customerId": user.id, "items": [], "totalAmount": 1.5, "createdAt": "2025-01-01T00:00:00Z"}
    )
    await processor.process([failed])
    assert ends(metrics, "payment-failed") == {"parked": 1}
    assert await processor.sweep.once() == 0
    await processor.process([placed, placed])
    clock.advance(seconds=1)
    assert await processor.sweep.once() == 1
    summary = await service.read_activity.summary(UserId(user.id))
    assert (summary.orders.count, summary.payments.failures) == (1, 1)
    assert ends(metrics, "order-placed") == {"applied": 1, "repeated": 1}
    assert await service.ports.parked.count() == 0


async def test_what_is_early_for_too_long_is_a_dead_letter(
    processor: Processor, service: Core, clock: SetClock
) -> None:
    failed = {"paymentId": "p", "orderId": "o", "errorCode": "x", "errorMessage": "y"}
    await processor.process([Topic("payment-failed")(failed | {"timestamp": "2025-01-01T00:00:00Z"})])
    clock.advance(seconds=59)
    assert await processor.sweep.once() == 0
    clock.advance(seconds=61)
    assert await processor.sweep.once() == 1
    assert await letters(service) == ["parked_too_long"]
    assert await service.ports.parked.count() == 0


async def test_an_answer_that_cannot_be_sent_for_a_moment_is_sent_again(
    processor: Processor, service: Core, sender: RecordingSender
) -> None:
    user = await made(service)
    failures = [UnavailableError(), UnavailableError()]

    def fail() -> None:
        if failures:
            raise failures.pop()

    sender.before = fail
    await processor.process([Topic("get-user")({"id": user.id}, key="k", reply_to="reply-x")])
    [(topic, key, value, headers)] = sender.sent
    assert (topic, key) == ("reply-x", b"k")
    assert value is not None
    assert json.loads(value)["id"] == user.id
    assert ("ce_causationid", b"get-user-0-0") in headers


def test_the_settings_name_who_may_be_answered() -> None:
    assert load(ConsumerSettings, {}).reply_prefixes == ("reply-", "replies.")
