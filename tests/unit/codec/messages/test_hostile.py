"""Whatever arrives, it is read or refused in a word, and nothing else happens."""

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.messages import read, record
from usercore.codec.messages import PayloadInvalidError, UnreadableMessageError, redacted
from usercore.codec.messages.registry import RECEIVED

TOPICS = st.sampled_from([str(contract.topic) for contract in RECEIVED])
NAMES = st.sampled_from(
    [
        *(
            "ce_specversion",
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_time",
            "ce_actor",
            "ce_dataschema",
            "ce_correlationid",
        ),
        *("content-type", "Content-Type", "reply-to", "correlation-id", "traceparent", "dlq_original", "ce_", "x"),
    ]
)
VALUES = st.binary(max_size=20) | st.sampled_from(
    [
        *(b"1.0", b"o-1", b"OrderPlaced", b"CreateUser.v1", b"GetUser", b"2026-03-01T12:00:00Z", b"USER:u", b"a:1.0.0"),
        *(b"application/json", b"application/cloudevents+json", b"order-placed/1/2/3", b"\xff", b"\x00", b""),
    ]
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw what was a good message before some bytes were cut out, put in or turned round."""
    contract = draw(st.sampled_from(RECEIVED))
    raw = json.dumps(contract.example).encode()
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        raw = raw[:start] + draw(st.binary(max_size=3) | st.just(raw[start:end][::-1])) + raw[end:]
    return str(contract.topic), raw


def goes_through(topic: str, value: bytes | None, headers: Any, key: bytes | None) -> None:
    raw = record(topic, value, *headers, key=key)
    with suppress(UnreadableMessageError, PayloadInvalidError):
        read(raw).read()
    redacted(raw)


@given(TOPICS, st.binary(max_size=100) | st.none(), HEADERS, st.binary(max_size=40) | st.none())
def test_any_bytes_are_read_or_refused(topic: str, value: bytes | None, headers: Any, key: bytes | None) -> None:
    goes_through(topic, value, headers, key)


@given(TOPICS, JSON, HEADERS)
def test_any_json_is_read_or_refused(topic: str, value: Any, headers: Any) -> None:
    goes_through(topic, json.dumps(value).encode("utf-8", "surrogatepass"), headers, None)


@given(mangled(), HEADERS)
def test_a_damaged_message_is_read_or_refused(message: tuple[str, bytes], headers: Any) -> None:
    goes_through(*message, headers, None)


BIG = 1_000_000


@pytest.mark.parametrize(
    "value",
    [
        b"[" * BIG,
        b"[]" * (BIG // 2),
        b'{"a":' * (BIG // 5),
        b'{"items":[' + b"[]," * (BIG // 3) + b"[]]}",
        b'{"items":[' + b"{}," * (BIG // 3) + b"{}]}",
        b'{"items":[' + b"1," * (BIG // 2) + b"1]}",
        ("{" + ",".join(f'"{n}":0' for n in range(BIG // 11)) + "}").encode(),
        ("{" + ",".join(f'"{n}":"\\u0041"' for n in range(BIG // 18)) + "}").encode(),
        b'{"amount":' + b"9" * BIG + b"}",
        b'{"amount":0.' + b"9" * BIG + b"}",
        b"{" + b'"amount":1e-400,' * (BIG // 16) + b'"a":1}',
        b'{"orderId":"' + b"x" * BIG + b'"}',
        b'{"specversion":"1.0","data_base64":"' + b64encode(b"[" * (BIG // 2)) + b'"}',
    ],
    ids=range(13),
)
@pytest.mark.parametrize("headers", [(), (("content-type", b"application/cloudevents+json"),)], ids=["plain", "event"])
def test_a_megabyte_of_malice_is_refused_in_linear_time(value: bytes, headers: Any) -> None:
    """A quadratic reader would take hours here, and the run would be stopped by its time limit."""
    raw = record("order-placed", value, *headers)
    with pytest.raises((UnreadableMessageError, PayloadInvalidError)):
        read(raw).read()


def test_many_headers_are_looked_at_in_linear_time() -> None:
    headers = [(f"x-{n}", b"") for n in range(100_000)]
    assert read(record("get-user", {"id": "u"}, *headers)).name == "GetUser"
