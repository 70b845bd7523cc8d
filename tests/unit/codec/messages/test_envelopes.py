"""A message is the same in all three ways of writing it, and a malformed envelope says what is wrong."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from attrs import evolve

from tests.messages import read, record
from usercore.codec.messages import ReceivedMessage, UnreadableMessageError
from usercore.codec.messages.examples import RECEIVED
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.inbox import MessageId
from usercore.messaging.values import RawMessage

TOPIC: Final = "order-placed"
ORDER: Final = RECEIVED["OrderPlaced"]
TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ATTRIBUTES: Final = {
    "specversion": "1.0",
    "id": "o-1",
    "source": "/shop",
    "type": "OrderPlaced",
    "time": "2026-03-01T13:00:00.5+01:00",
    "correlationid": "c-1",
    "actor": "OPERATOR:ada",
    "traceparent": TRACE,
}
STRUCTURED: Final = ("content-type", b"application/cloudevents+json; charset=UTF-8")

Write = Callable[..., RawMessage]


def binary(payload: Any = ORDER, **attributes: str | None) -> RawMessage:
    said = {name: value for name, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
    return record(TOPIC, payload, *((f"ce_{name}", value.encode()) for name, value in said.items()))


def structured(payload: Any = ORDER, **attributes: Any) -> RawMessage:
    said = {name: value for name, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
    return record(TOPIC, {**said, "data": payload}, STRUCTURED)


def in_base64(payload: Any = ORDER, **attributes: Any) -> RawMessage:
    said = {name: value for name, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
    return record(TOPIC, {**said, "data_base64": b64encode(json.dumps(payload).encode()).decode()}, STRUCTURED)


def code_of(raw: RawMessage) -> str:
    with pytest.raises(UnreadableMessageError) as refused:
        read(raw)
    return refused.value.code


@pytest.mark.parametrize("write", [binary, structured, in_base64])
def test_a_cloud_event_is_known_by_its_attributes(write: Write) -> None:
    message = read(write())

    assert message.receipt.message == MessageId(TOPIC, "/shop", "o-1")
    assert (message.name, message.kind, message.version) == ("OrderPlaced", "event", "1.0.0")
    assert message.time == datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    context = message.context
    assert (context.actor, context.correlation_id, context.causation_id, context.traceparent, context.receipt) == (
        Actor(ActorKind.OPERATOR, "ada"),
        "c-1",
        "o-1",
        TRACE,
        message.receipt,
    )


def test_a_plain_message_is_known_by_where_it_stood() -> None:
    raw = record(TOPIC, ORDER)
    message = read(raw)

    ident = f"order-placed-1-{raw.offset}"
    assert message.receipt.message == MessageId(TOPIC, "kafka:1772000000000", ident)
    assert (message.time, message.context.actor) == (None, Actor(ActorKind.SERVICE, "kafka"))
    assert (message.context.correlation_id, message.context.causation_id) == (ident, ident)
    assert message.context.traceparent is None


def test_a_plain_message_may_say_who_acts_and_in_which_conversation() -> None:
    headers = (("ce_actor", b"USER:u-1"), ("ce_correlationid", b"c-9"), ("traceparent", TRACE.encode()))
    context = read(record(TOPIC, ORDER, *headers)).context

    assert (context.actor, context.correlation_id, context.traceparent) == (
        Actor(ActorKind.USER, "u-1"),
        "c-9",
        TRACE,
    )


def test_a_message_is_the_same_in_every_way_of_writing_it() -> None:
    ways = [read(one) for one in (record(TOPIC, ORDER), binary(), structured(), in_base64())]

    assert len({str(one.read()) for one in ways}) == 1
    assert len({one.receipt.fingerprint for one in ways}) == 1
    assert {one.user_id for one in ways} == {ORDER["customerId"]}


def test_the_order_of_fields_and_the_spelling_of_numbers_make_no_other_message() -> None:
    one = read(record(TOPIC, b'{"orderId":"o","totalAmount":5.50,"n":1e2}'))
    same = read(record(TOPIC, b'{"n":100,  "totalAmount":5.5,"orderId":"\\u006f"}'))
    other = read(record(TOPIC, b'{"n":100,"totalAmount":5.51,"orderId":"o"}'))

    assert one.receipt.fingerprint == same.receipt.fingerprint != other.receipt.fingerprint


def test_a_password_leaves_no_trace_in_the_digest() -> None:
    """Else a digest kept in a table would let passwords be guessed."""
    digests = {
        read(record("create-user", {**RECEIVED["CreateUser"], "password": word})).receipt.fingerprint
        for word in ("correct horse", "battery staple")
    }
    assert len(digests) == 1


def test_a_replayed_plain_message_is_known_by_where_it_stood_first() -> None:
    first = read(record(TOPIC, ORDER, ("dlq_original", b"order-placed/3/17/1700000000000")))

    assert first.receipt.message == MessageId(TOPIC, "kafka:1700000000000", "order-placed-3-17")
    for place in ("create-user/3/17/1700000000000", "order-placed/3/17", "order-placed/x/17/0", "order-placed/03/1/2"):
        assert code_of(record(TOPIC, ORDER, ("dlq_original", place.encode()))) == "header_invalid"


def test_a_replayed_cloud_event_keeps_its_id() -> None:
    raw = binary()
    again = evolve(raw, headers=(*raw.headers, ("dlq_original", b"order-placed/3/17/1700000000000")))

    assert read(again).receipt == read(raw).receipt


def test_structured_mode_goes_before_headers_of_binary_mode() -> None:
    raw = structured()
    both = evolve(raw, headers=(*raw.headers, ("ce_id", b"other"), ("ce_type", b"Other")))

    assert read(both).receipt == read(raw).receipt


@pytest.mark.parametrize("write", [binary, structured])
@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"id": None}, "envelope_invalid"),
        ({"source": None}, "envelope_invalid"),
        ({"type": None}, "envelope_invalid"),
        ({"specversion": None}, "envelope_invalid"),
        ({"specversion": "0.3"}, "specversion_unknown"),
        ({"specversion": "1.0.2"}, "specversion_unknown"),
        ({"type": "OrderCancelled"}, "type_unknown"),
        ({"type": "OrderPlaced.v2"}, "version_unknown"),
        ({"type": "OrderPlaced.v0"}, "type_unknown"),
        ({"dataschema": "https://schemas.example/OrderPlaced/2.0.0"}, "version_unknown"),
        ({"dataschema": "urn:x:0.9.0"}, "version_unknown"),
        ({"dataschema": "urn:x:1.0.0", "type": "OrderPlaced.v2"}, "version_unknown"),
        ({"time": "yesterday"}, "time_invalid"),
        ({"time": "2026-03-01T12:00:00"}, "time_invalid"),
        ({"time": "2026-02-30T12:00:00Z"}, "time_invalid"),
        ({"time": "0001-01-01T00:00:00+01:00"}, "time_invalid"),
        ({"actor": "SYSTEM:user-service"}, "actor_invalid"),
        ({"actor": "GOD:zeus"}, "actor_invalid"),
        ({"actor": "USER:"}, "actor_invalid"),
        ({"actor": "ada"}, "actor_invalid"),
        ({"datacontenttype": "application/xml"}, None),
    ],
)
def test_a_malformed_attribute_is_named(write: Write, attributes: dict[str, str | None], code: str | None) -> None:
    if code is None:
        code = "content_type_unsupported"
        raw = write(**attributes) if write is structured else record(TOPIC, ORDER, ("content-type", b"application/xml"))
    else:
        raw = write(**attributes)
    assert code_of(raw) == code


@pytest.mark.parametrize("name", ["id", "source", "correlationid", "actor", "type"])
@pytest.mark.parametrize("value", ["", "x" * 256, "a\x00b", "a\nb", "\x85"])
def test_attributes_are_short_text_without_control_characters(name: str, value: str) -> None:
    assert code_of(binary(**{name: value})) == "header_invalid"
    # JSON with NUL in it is refused whole.
    assert code_of(structured(**{name: value})) == ("text_not_storable" if "\x00" in value else "envelope_invalid")


def test_an_id_of_the_longest_length_is_taken() -> None:
    assert read(binary(id="ä" * 255)).receipt.message.id == "ä" * 255


@pytest.mark.parametrize("value", [1, True, ["o-1"], {"id": "o-1"}])
def test_attributes_of_structured_mode_are_text(value: Any) -> None:
    assert code_of(structured(id=value)) == "envelope_invalid"


def test_headers_are_utf8() -> None:
    raw = binary()
    broken = tuple((name, b"\xff" if name == "ce_source" else value) for name, value in raw.headers)

    assert code_of(evolve(raw, headers=broken)) == "header_invalid"
    assert code_of(record(TOPIC, ORDER, ("content-type", b"\xff"))) == "header_invalid"


@pytest.mark.parametrize("name", ["ce_id", "CE_ID", "ce_more", "content-type", "reply-to", "correlation-id"])
def test_a_header_that_counts_stands_once(name: str) -> None:
    twice = ((name, b"application/json"), (name.lower(), b"application/json"))
    assert code_of(record(TOPIC, ORDER, *twice)) == "header_repeated"


def test_other_headers_are_left_alone_and_may_stand_twice() -> None:
    headers = (("x", b"\xff"), ("x", b""), ("Faust-Ag-ReplyTo", b"everywhere"), ("dlq_code", b"a"), ("dlq_code", b"b"))
    message = read(record(TOPIC, ORDER, *headers))

    assert message.reply_to is None


@pytest.mark.parametrize(
    "trace",
    [
        (b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",),
        (b"ff" + TRACE[2:].encode(),),
        (TRACE.upper().encode(),),
        (TRACE.encode() + b"\n",),
        (TRACE.encode(), TRACE.encode()),
    ],
)
def test_a_trace_that_is_not_valid_begins_anew(trace: tuple[bytes, ...]) -> None:
    raw = record(TOPIC, ORDER, *(("traceparent", one) for one in trace))
    if trace[0].endswith(b"\n"):
        assert code_of(raw) == "header_invalid"
    else:
        assert read(raw).context.traceparent is None


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", None),
        ("Application/JSON; charset=utf-8", None),
        ("application/vnd.shop.order+json", None),
        ("text/json", None),
        ("application/json; charset=utf-16", "content_type_unsupported"),
        ("application/avro", "content_type_unsupported"),
        ("application/cloudevents+avro", "content_type_unsupported"),
        ("application/cloudevents-batch+json", "content_type_unsupported"),
        ("application/cloudevents+json; charset=latin-1", "content_type_unsupported"),
        ("json", "content_type_unsupported"),
    ],
)
def test_json_in_utf8_is_what_is_read(content_type: str, code: str | None) -> None:
    raw = record(TOPIC, ORDER, ("content-type", content_type.encode()))
    if code is None:
        assert read(raw).read() == read(record(TOPIC, ORDER)).read()
    else:
        assert code_of(raw) == code


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ([], "envelope_invalid"),
        ("text", "envelope_invalid"),
        (ATTRIBUTES, "no_payload"),
        ({**ATTRIBUTES, "data": None}, "no_payload"),
        ({**ATTRIBUTES, "data": {}, "data_base64": "e30="}, "envelope_invalid"),
        ({**ATTRIBUTES, "data_base64": "not base64"}, "envelope_invalid"),
        ({**ATTRIBUTES, "data_base64": 7}, "envelope_invalid"),
        ({**ATTRIBUTES, "data_base64": "ä"}, "envelope_invalid"),
        ({**ATTRIBUTES, "data_base64": b64encode(b'{"a":1,"a":2}').decode()}, "duplicate_key"),
        ({**ATTRIBUTES, "data_base64": ""}, "not_json"),
    ],
)
def test_a_structured_event_holds_one_payload(event: Any, code: str) -> None:
    assert code_of(record(TOPIC, event, STRUCTURED)) == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "no_payload"),
        (b"null", "no_payload"),
        (b"", "not_json"),
        (b"nonsense", "not_json"),
        (b"{}{}", "not_json"),
        (b"\xff\xfe{\x00}\x00", "invalid_utf8"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":"\\u0000"}', "text_not_storable"),
        (b'{"a":"\\ud800"}', "text_not_storable"),
        (b'{"a":' + b"9" * 65 + b"}", "number_out_of_range"),
        (b'{"a":1e999999999999999999999}', "number_out_of_range"),
        (b'{"a":1e-9999}', "number_out_of_range"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b" " * (1024 * 1024 + 1), "too_large"),
    ],
)
def test_what_is_no_json_of_ours_is_refused(value: bytes | None, code: str) -> None:
    assert code_of(record(TOPIC, value)) == code


def test_a_topic_that_is_not_ours_is_refused() -> None:
    assert code_of(record("user-created", {})) == "topic_unknown"


@pytest.mark.parametrize("type_", ["OrderPlaced", "com.example.shop.OrderPlaced", "OrderPlaced.v1", "x.OrderPlaced.v1"])
def test_a_type_may_have_a_prefix_and_a_major_version(type_: str) -> None:
    assert read(binary(type=type_)).name == "OrderPlaced"


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        ("urn:user-service:schema:OrderPlaced:1.0.0", "1.0.0"),
        ("https://schemas.example/OrderPlaced/1.4.2", "1.4.2"),
        ("https://schemas.example/OrderPlaced", "1.0.0"),
        ("https://schemas.example/OrderPlaced/1.0.0.json", "1.0.0"),
    ],
)
def test_the_version_is_what_the_data_schema_ends_in(schema: str, version: str) -> None:
    assert read(binary(dataschema=schema)).version == version


def asked(*headers: tuple[str, bytes]) -> ReceivedMessage:
    return read(record("get-user", {"id": "u-1"}, *headers))


def test_a_query_says_where_its_answer_goes() -> None:
    message = asked(("reply-to", b"reply-shop"), ("correlation-id", b"\xff\x00"))

    assert (message.kind, message.reply_to, message.correlation) == ("query", "reply-shop", b"\xff\x00")
    assert (asked().reply_to, asked().correlation) == (None, None)


@pytest.mark.parametrize("name", [b"", b"a/b", b"..", b"x" * 250, b"reply-\xff", b"reply-shop\n", "réply".encode()])
def test_an_answer_goes_only_where_a_topic_can_be(name: bytes) -> None:
    with pytest.raises(UnreadableMessageError) as refused:
        asked(("reply-to", name))
    assert refused.value.code == "reply_to_invalid"


def test_what_is_no_query_is_answered_nowhere() -> None:
    assert read(record(TOPIC, ORDER, ("reply-to", b"a/b"))).reply_to is None
