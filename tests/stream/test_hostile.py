"""Whatever is sent, each message ends as it should, and the partition goes on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from tests.e2e.harness.waiting import until
from tests.stream.harness.people import binary, failure, made, new_user, order, points, structured, unique
from tests.stream.harness.wire import Wire, header
from tests.stream.harness.world import World
from usercore.kernel.ids import UserId
from usercore.users.read_users import UserNamed
from usercore.wiring.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACE = "topic = %s AND message_partition = %s AND message_offset = %s"


async def buried(world: World, topic: str, place: tuple[int, int]) -> str:
    """Return why a message became a dead letter, once it has."""

    async def letter() -> list[tuple[Any, ...]]:
        return await world.rows(f"SELECT code FROM dead_letters WHERE {PLACE}", topic, *place)

    [(code,)] = await until(letter, "the message is a dead letter")
    return str(code)


async def shown(wire: Wire, topic: str, place: tuple[int, int]) -> ConsumerRecord:
    """Return the dead letter about a message as the dead-letter topic shows it."""
    wanted = (topic, *(str(number) for number in place))

    async def found() -> ConsumerRecord | None:
        for record in await wire.read("user-service.dead-letter"):
            if tuple(header(record, f"dlq_{name}") for name in ("topic", "partition", "offset")) == wanted:
                return record
        return None

    return await until(found, "the dead letter is published")


async def goes_on(wire: Wire, world: World, topic: str, partition: int) -> None:
    """Check that a later message of the same partition takes effect."""
    ident = unique("later")
    told = {
        "update-user": ({"userId": ident, "firstName": "Later"}, "UpdateUser"),
        "create-user": ({"email": "later"}, "CreateUser"),
        "order-placed": (order(ident), "OrderPlaced"),
        "payment-failed": (failure(ident), "PaymentFailed"),
    }[topic]
    message = binary(*told, ident=ident)
    place = await wire.send(topic, message.value, headers=message.headers, partition=partition)

    async def ended() -> list[tuple[Any, ...]]:
        if topic in {"update-user", "create-user"}:
            return await world.rows("SELECT 1 FROM inbox WHERE topic = %s AND message_id = %s", topic, ident)
        return await world.rows(f"SELECT 1 FROM parked_messages WHERE {PLACE}", topic, *place)

    await until(ended, "the next message of the partition has found its end")


NOT_JSON = b'{"userId": "x", '
DEEP = b"[" * 100_000
HUGE = json.dumps({"userId": "x", "firstName": "y" * 5_000_000}).encode()


@pytest.mark.parametrize(
    ("value", "headers", "code"),
    [
        pytest.param(None, [], "no_payload", id="null"),
        pytest.param(b"", [], None, id="empty"),
        pytest.param(NOT_JSON, [], None, id="not JSON"),
        pytest.param(b"\xff\xfe\x00", [], None, id="not UTF-8"),
        pytest.param(DEEP, [], None, id="deep"),
        pytest.param(HUGE, [], "too_large", id="5 MB"),
        pytest.param(b"{}", [("ce_type", b"UpdateUser.v9")], None, id="half a CloudEvent"),
    ],
)
@pytest.mark.parametrize("topic", ["update-user", "order-placed"])
async def test_what_cannot_be_read_is_a_dead_letter_with_its_own_bytes(
    shared_wire: Wire,
    shared_world: World,
    topic: str,
    value: bytes | None,
    headers: list[tuple[str, bytes]],
    code: str | None,
) -> None:
    sent = [*headers, ("x-own", b"1"), ("x-own", b"2")]
    place = await shared_wire.send(topic, value, key="some key", headers=sent)
    found = await buried(shared_world, topic, place)
    assert code in {None, found}
    letter = await shown(shared_wire, topic, place)
    assert (letter.key, letter.value) == (b"some key", value)
    assert [pair for pair in letter.headers if pair[0] == "x-own"] == [("x-own", b"1"), ("x-own", b"2")]
    assert header(letter, "dlq_code") == found
    await goes_on(shared_wire, shared_world, topic, place[0])


@pytest.mark.parametrize("write", [binary, structured])
@pytest.mark.parametrize(
    "more",
    [
        {"dataschema": "https://schemas.example/UpdateUser/9.0.0"},
        {"specversion": "2.0"},
        {"type": "SomethingElse"},
    ],
    ids=["version", "specversion", "type"],
)
async def test_a_message_of_a_version_or_type_that_nobody_knows_is_a_dead_letter(
    shared_wire: Wire, shared_world: World, shared_service: Service, write: Any, more: dict[str, str]
) -> None:
    user = await made(shared_service.core)
    attributes = {"type": "UpdateUser"} | more
    told = write({"userId": user.id, "firstName": "New"}, attributes.pop("type"), **attributes)
    place = await shared_wire.send("update-user", told.value, headers=told.headers)
    await buried(shared_world, "update-user", place)
    await goes_on(shared_wire, shared_world, "update-user", place[0])
    assert (await shared_service.core.get_user(UserNamed(user_id=user.id))).version == 1


async def test_a_key_that_names_another_user_has_the_command_rejected(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, other = await made(shared_service.core), await made(shared_service.core)
    told = binary({"userId": user.id, "firstName": "New"}, "UpdateUser", ident=unique("mismatch"))
    await shared_wire.send("update-user", told.value, key=other.id, headers=told.headers)
    ident = dict(told.headers)["ce_id"].decode()

    async def rejected() -> Any:
        records = await shared_wire.read("user-command-rejected")
        return next((one for one in records if json.loads(one.value)["commandId"] == ident), None)

    problem = json.loads((await until(rejected, "the command is rejected")).value)["problem"]
    assert problem["code"] == "key_mismatch"
    for one in (user, other):
        assert (await shared_service.core.get_user(UserNamed(user_id=one.id))).version == 1


async def test_the_same_id_with_other_content_is_a_dead_letter_and_with_the_same_content_nothing(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, ident = await made(shared_service.core), unique("reused")
    first = binary({"userId": user.id, "firstName": "First"}, "UpdateUser", ident=ident)
    other = binary({"userId": user.id, "firstName": "Other"}, "UpdateUser", ident=ident)
    for _ in range(2):
        await shared_wire.send("update-user", first.value, headers=first.headers, partition=0)
    place = await shared_wire.send("update-user", other.value, headers=other.headers, partition=0)
    assert await buried(shared_world, "update-user", place) == "message_id_reused"
    # What is buried may be so before what stands in the same batch has had its effect.
    await shared_wire.until_done(["update-user"])
    now = await shared_service.core.get_user(UserNamed(user_id=user.id))
    assert (now.version, now.profile.first_name) == (2, "First")


async def test_the_same_fact_with_other_content_is_a_dead_letter_and_the_first_one_holds(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, order_id = await made(shared_service.core), unique("order")
    for _ in range(2):
        await shared_wire.send("order-placed", order(user.id, order_id=order_id), partition=1)
    other = order(user.id, order_id=order_id, totalAmount=1)
    place = await shared_wire.send("order-placed", other, partition=1)
    assert await buried(shared_world, "order-placed", place) == "fact_conflict"
    summary = await shared_service.core.read_activity.summary(UserId(user.id))
    assert (summary.orders.count, str(summary.orders.totals[0].value)) == (1, "59.97")


async def test_a_forged_reply_topic_of_faust_gets_nothing(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, victim = await made(shared_service.core), unique("victim")
    await shared_wire.make(victim)
    forged = [
        ("Faust-Ag-ReplyTo", f"{shared_world.prefix}{victim}".encode()),
        ("Faust-Ag-CorrelationId", b"1"),
    ]
    replies = unique("reply-")
    await shared_wire.make(replies)
    honest = ("reply-to", f"{shared_world.prefix}{replies}".encode())
    place = await shared_wire.send("get-user", {"id": user.id}, headers=forged)
    assert await buried(shared_world, "get-user", place) == "reply_to_missing"
    await shared_wire.send("get-user", {"id": user.id}, headers=[*forged, honest])
    await shared_wire.send("update-user", {"userId": user.id, "firstName": "New"}, headers=forged)
    await shared_wire.until_records(replies, 1)
    await shared_wire.until_done(["get-user", "update-user"])
    assert await shared_wire.read(victim) == []


@pytest.mark.parametrize(
    "named", ["{prefix}user-created", "{prefix}payments", "reply-elsewhere", "{prefix}other.reply-x"]
)
async def test_an_answer_goes_to_no_topic_outside_the_allowed_prefixes(
    shared_wire: Wire, shared_world: World, shared_service: Service, named: str
) -> None:
    user = await made(shared_service.core)
    reply_to = named.format(prefix=shared_world.prefix)
    place = await shared_wire.send("get-user", {"id": user.id}, headers=[("reply-to", reply_to.encode())])
    assert await buried(shared_world, "get-user", place) == "reply_to_refused"


async def test_a_query_whose_reply_topic_does_not_exist_holds_up_nobody(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, replies = await made(shared_service.core), unique("reply-")
    lost = f"{shared_world.prefix}{unique('reply-')}".encode()
    place = await shared_wire.send("get-user", {"id": user.id}, headers=[("reply-to", lost)], partition=0)
    await shared_wire.make(replies)
    good = f"{shared_world.prefix}{replies}".encode()
    await shared_wire.send("get-user", {"id": user.id}, headers=[("reply-to", good)], partition=0)
    await shared_wire.until_records(replies, 1)
    await shared_wire.until_done(["get-user"])
    found = await shared_world.rows(f"SELECT code FROM dead_letters WHERE {PLACE}", "get-user", *place)
    # A broker may make topics that somebody writes to.
    assert found in ([("topic_unknown",)], [])


async def test_a_fact_about_an_erased_user_is_ignored_and_a_command_and_a_query_find_nobody(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, order_id = await made(shared_service.core), unique("order")
    await shared_world.rows("UPDATE users SET state = 'ERASED' WHERE id = %s", user.id)
    place = await shared_wire.send("order-placed", order(user.id, order_id=order_id))
    told = binary({"userId": user.id, "firstName": "New"}, "UpdateUser", ident=unique("erased"))
    await shared_wire.send("update-user", told.value, headers=told.headers)
    replies = unique("reply-")
    await shared_wire.make(replies)
    reply_to = ("reply-to", f"{shared_world.prefix}{replies}".encode())
    await shared_wire.send("get-user", {"id": user.id}, headers=[reply_to])
    await shared_wire.until_done(["order-placed", "update-user", "get-user"])
    for table in ("parked_messages", "dead_letters"):
        assert await shared_world.rows(f"SELECT 1 FROM {table} WHERE {PLACE}", "order-placed", *place) == []
    assert await shared_world.rows("SELECT 1 FROM activity_facts WHERE fact_id = %s", order_id) == []
    [record] = await shared_wire.until_records(replies, 1)
    assert json.loads(record.value)["code"] == "user_not_found"
    ident = dict(told.headers)["ce_id"].decode()

    async def rejected() -> Any:
        records = await shared_wire.read("user-command-rejected")
        return next((one for one in records if json.loads(one.value)["commandId"] == ident), None)

    assert json.loads((await until(rejected, "it is rejected")).value)["problem"]["code"] == "user_not_found"


@pytest.mark.parametrize("where", ["payload", "envelope"])
async def test_an_event_from_the_future_is_a_dead_letter(
    shared_wire: Wire, shared_world: World, shared_service: Service, where: str
) -> None:
    user = await made(shared_service.core)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    payload = points(user.id) | ({"timestamp": later} if where == "payload" else {})
    told = binary(payload, "LoyaltyPointsEarned", **({"time": later} if where == "envelope" else {}))
    place = await shared_wire.send("loyalty-points-earned", told.value, headers=told.headers)
    assert await buried(shared_world, "loyalty-points-earned", place) == "time_in_future"


async def test_an_event_that_breaks_its_schema_is_a_dead_letter(shared_wire: Wire, shared_world: World) -> None:
    payload = points("somebody", 0)
    place = await shared_wire.send("loyalty-points-earned", payload)
    assert await buried(shared_world, "loyalty-points-earned", place) == "payload_invalid"


async def test_no_dead_letter_holds_a_password(shared_wire: Wire, shared_world: World, shared_service: Service) -> None:
    secret = unique("secret")
    valid = json.dumps(new_user(password=secret)).encode()
    for value in (valid[:-1], valid + b"}"):
        place = await shared_wire.send("create-user", value)
        await buried(shared_world, "create-user", place)
        letter = await shown(shared_wire, "create-user", place)
        assert secret.encode() not in letter.value
        [(kept,)] = await shared_world.rows(f"SELECT id::text FROM dead_letters WHERE {PLACE}", "create-user", *place)
        message = await shared_service.core.ports.dead_letters.get(kept)
        assert message is not None
        assert secret.encode() not in (message.message.value or b"")
        await goes_on(shared_wire, shared_world, "create-user", place[0])


async def test_headers_that_stand_twice_are_not_guessed_at(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user = await made(shared_service.core)
    allowed = f"{shared_world.prefix}reply-x".encode()
    twice = [("reply-to", allowed), ("reply-to", f"{shared_world.prefix}user-created".encode())]
    place = await shared_wire.send("get-user", {"id": user.id}, headers=twice)
    assert await buried(shared_world, "get-user", place) == "header_repeated"
