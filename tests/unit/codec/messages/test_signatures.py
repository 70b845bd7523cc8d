"""Signed messages: whose signature fits acts, and a signature fits one message alone."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.builders import NOW
from tests.messages import LIMIT_BYTES
from tests.signers import ED25519, P256, STRANGER, command, jwk, jwks, signed
from usercore.adapters.crypto.signers import read_signer_keys
from usercore.codec.messages import UnreadableMessageError, read_message
from usercore.codec.messages.reading import ReceivedMessage
from usercore.codec.messages.signatures import HEADER, SignedTopics, protected_header, signing_input
from usercore.kernel.context import Actor, ActorKind
from usercore.messaging.values import RawMessage

DAY_S = 86_400.0
SIGNERS = read_signer_keys(jwks(jwk(ED25519, "shop-1"), jwk(P256, "desk-1", "OPERATOR:ada")))
TOPICS = SignedTopics(frozenset({"update-user"}), SIGNERS, 300.0, 14 * DAY_S)
MESSAGE = command(NOW, actor="OPERATOR:mallory")


def checked(raw: RawMessage, at: Any = NOW, topics: SignedTopics = TOPICS) -> ReceivedMessage:
    return topics.check(raw, read_message(raw, limit_bytes=LIMIT_BYTES), at)


def refusal(raw: RawMessage, at: Any = NOW) -> str:
    with pytest.raises(UnreadableMessageError) as refused:
        checked(raw, at)
    assert refused.value.detail
    return refused.value.code


def with_signature(value: bytes) -> RawMessage:
    return evolve(MESSAGE, headers=(*MESSAGE.headers, (HEADER, value)))


def signature_of(raw: RawMessage) -> bytes:
    return dict(raw.headers)[HEADER]


def encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


@pytest.mark.parametrize(
    ("key", "kid", "actor"),
    [
        (ED25519, "shop-1", Actor(ActorKind.SERVICE, "shop")),
        (P256, "desk-1", Actor(ActorKind.OPERATOR, "ada")),
    ],
)
def test_the_owner_of_the_key_acts_whatever_the_header_says(key: Any, kid: str, actor: Actor) -> None:
    message = checked(signed(MESSAGE, key, kid))
    assert message.context.actor == actor
    plain = read_message(MESSAGE, limit_bytes=LIMIT_BYTES)
    assert evolve(message, context=plain.context) == plain


def test_where_nothing_need_be_signed_signatures_count_for_nothing() -> None:
    for raw in (MESSAGE, with_signature(b"nonsense")):
        assert checked(raw, topics=SignedTopics()).context.actor == Actor(ActorKind.OPERATOR, "mallory")


def test_a_message_without_a_signature_is_refused() -> None:
    assert refusal(MESSAGE) == "signature_missing"


def test_a_key_that_nobody_knows_proves_nothing() -> None:
    assert refusal(signed(MESSAGE, STRANGER, "stranger")) == "signature_key_unknown"


def test_a_known_name_proves_nothing_without_its_key() -> None:
    assert refusal(signed(MESSAGE, STRANGER, "shop-1")) == "signature_invalid"
    assert refusal(signed(MESSAGE, ED25519, "desk-1")) == "signature_invalid"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b".",
        b"..",
        b"a.b.c",
        b"a..b..c",
        b"\xff\xfe..\xff",
        b"x" * 5000,
        encoded(b"no json") + b"..AAAA",
        encoded(b"[]") + b"..AAAA",
        encoded(b'{"alg":"EdDSA","alg":"EdDSA"}') + b"..AAAA",
    ],
)
def test_what_is_no_signature_is_refused(header: bytes) -> None:
    assert refusal(with_signature(header)) == "signature_invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"kid": 1},
        {"kid": ["shop-1"]},
        {"b64": True},
        {"b64": 0},
        {"crit": []},
        {"crit": ["b64", "exp"]},
        {"crit": "b64"},
        {"jwk": {}},
        {"typ": "JWT"},
    ],
)
def test_a_header_that_asks_for_anything_else_is_refused_though_it_is_signed(change: dict[str, Any]) -> None:
    stated = {"alg": "EdDSA", "kid": "shop-1", "b64": False, "crit": ["b64"]} | change
    protected = encoded(json.dumps(stated).encode())
    signature = ED25519.sign(signing_input(protected, MESSAGE))
    assert refusal(with_signature(protected + b".." + encoded(signature))) == "signature_invalid"


def test_a_signature_is_spelled_in_one_way_and_stands_once() -> None:
    good = signature_of(signed(MESSAGE))
    protected, _, signature = good.split(b".")
    assert refusal(with_signature(good + b"==")) == "signature_invalid"
    other = bytes([*signature[:-1], signature[-1] + 1])
    if urlsafe_b64decode(other + b"==") == urlsafe_b64decode(signature + b"=="):
        assert refusal(with_signature(protected + b".." + other)) == "signature_invalid"
    twice = evolve(MESSAGE, headers=(*MESSAGE.headers, (HEADER, good), ("Signature", good)))
    assert refusal(twice) == "signature_invalid"


def test_the_payload_stays_where_it_is() -> None:
    protected, _, signature = signature_of(signed(MESSAGE)).split(b".")
    assert refusal(with_signature(b".".join((protected, encoded(MESSAGE.value or b""), signature)))) == (
        "signature_invalid"
    )


def test_a_signature_of_something_else_of_the_same_key_does_not_fit() -> None:
    """As of a message signed whole, by another service's rules."""
    protected = protected_header("EdDSA", "shop-1")
    signature = ED25519.sign(protected + b"." + (MESSAGE.value or b""))
    assert refusal(with_signature(protected + b".." + encoded(signature))) == "signature_invalid"


@pytest.mark.parametrize(("late_s", "code"), [(299, None), (301, "signature_expired")])
def test_a_message_is_as_old_as_the_broker_says_not_as_long_as_it_has_waited(late_s: float, code: str | None) -> None:
    for direction in (1, -1):
        arrived = evolve(MESSAGE, timestamp_ms=MESSAGE.timestamp_ms + direction * round(late_s * 1000))
        read_at = NOW + timedelta(days=3)
        if code is None:
            checked(signed(arrived), read_at)
        else:
            assert refusal(signed(arrived), read_at) == code


def test_a_message_older_than_repetitions_are_noticed_is_refused() -> None:
    checked(signed(MESSAGE), NOW + timedelta(days=13, hours=23))
    assert refusal(signed(MESSAGE), NOW + timedelta(days=14, seconds=1)) == "signature_expired"


def test_a_message_without_id_or_time_of_its_own_cannot_be_signed() -> None:
    timeless = evolve(MESSAGE, headers=tuple(one for one in MESSAGE.headers if one[0] != "ce_time"))
    assert refusal(signed(timeless)) == "signature_invalid"
    plain = evolve(MESSAGE, headers=tuple(one for one in MESSAGE.headers if one[0] == "ce_time"))
    assert refusal(signed(plain)) == "signature_invalid"


def test_traces_and_the_place_of_a_replayed_dead_letter_may_change_on_the_way() -> None:
    raw = signed(MESSAGE)
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    moved = (("traceparent", trace), ("x-proxy", b"1"), ("dlq_original", b"update-user/0/1/1"))
    checked(evolve(raw, partition=2, offset=99, headers=(*moved, *raw.headers)))


def test_structured_events_are_signed_as_well() -> None:
    event = {
        "specversion": "1.0",
        "id": "c-2",
        "source": "/shop",
        "type": "UpdateUser",
        "time": "2026-01-01T00:00:00Z",
        "data": json.loads(MESSAGE.value or b""),
    }
    at = NOW.replace(year=2026, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    raw = evolve(
        MESSAGE,
        value=json.dumps(event).encode(),
        headers=(("content-type", b"application/cloudevents+json"),),
        timestamp_ms=round(at.timestamp() * 1000),
    )
    assert checked(signed(raw), at).context.actor == Actor(ActorKind.SERVICE, "shop")
    assert refusal(evolve(signed(raw), value=(signed(raw).value or b"").replace(b"c-2", b"c-3")), at) == (
        "signature_invalid"
    )


GOOD = {"EdDSA": signed(MESSAGE), "ES256": signed(MESSAGE, P256, "desk-1")}
NAMES = [name for name, _ in MESSAGE.headers if name != "ce_specversion"]


@st.composite
def tampered(draw: st.DrawFn) -> tuple[RawMessage, RawMessage]:
    """Draw a signed message and one that differs from it in something that counts."""
    good = GOOD[draw(st.sampled_from(sorted(GOOD)))]
    match draw(st.sampled_from(["value", "key", "no key", "header", "left out", "added", "signature", "swap"])):
        case "value":
            raw = evolve(good, value=_changed(draw, good.value or b""))
        case "key":
            raw = evolve(good, key=_changed(draw, good.key or b""))
        case "no key":
            raw = evolve(good, key=draw(st.sampled_from([None, b""])))
        case "header":
            name = draw(st.sampled_from(NAMES))
            raw = _with(good, name, _changed(draw, dict(good.headers)[name]))
        case "left out":
            name = draw(st.sampled_from(NAMES))
            raw = evolve(good, headers=tuple(one for one in good.headers if one[0] != name))
        case "added":
            name = draw(st.sampled_from(["ce_dataschema", "ce_correlationid", "ce_new", "correlation-id"]))
            raw = evolve(good, headers=(*good.headers, (name, draw(st.binary(max_size=8)))))
        case "signature":
            raw = _with(good, HEADER, _changed(draw, signature_of(good)))
        case _:
            a, b = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True))
            values = dict(good.headers)
            raw = _with(_with(good, a, values[b]), b, values[a])
    return good, raw


def _changed(draw: st.DrawFn, raw: bytes) -> bytes:
    """Draw other bytes: one flipped, left out, put in, or all of them others."""
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    flipped = bytes([raw[at] ^ draw(st.integers(1, 255))]) if raw else b"x"
    return draw(
        st.sampled_from([raw[:at] + flipped + raw[at + 1 :], raw[:at] + raw[at + 1 :], raw[:at] + b" " + raw[at:]])
        | st.binary(max_size=40)
    )


def _with(raw: RawMessage, name: str, value: bytes) -> RawMessage:
    return evolve(raw, headers=tuple((one, value if one == name else held) for one, held in raw.headers))


@given(tampered())
@settings(max_examples=500)
def test_whatever_is_changed_no_longer_fits(both: tuple[RawMessage, RawMessage]) -> None:
    good, raw = both
    assume(raw != good)
    with pytest.raises(UnreadableMessageError):
        checked(raw)


def test_a_message_of_another_topic_does_not_fit() -> None:
    topics = evolve(TOPICS, topics=frozenset({"deactivate-user"}))
    headers = tuple((name, b"DeactivateUser" if name == "ce_type" else value) for name, value in MESSAGE.headers)
    body = evolve(MESSAGE, headers=headers, value=json.dumps({"userId": (MESSAGE.key or b"").decode()}).encode())
    checked(signed(evolve(body, topic="deactivate-user")), topics=topics)
    moved = evolve(signed(evolve(body, topic="update-user")), topic="deactivate-user")
    with pytest.raises(UnreadableMessageError) as refused:
        checked(moved, topics=topics)
    assert refused.value.code == "signature_invalid"


def changed(value: bytes = b"c", key: bytes | None = b"k", **headers: bytes) -> bytes:
    named = tuple((f"ce_{name}", held) for name, held in headers.items())
    return signing_input(b"p", evolve(MESSAGE, key=key, value=value, headers=named))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (changed(b"c", z=b"ab"), changed(b"bc", z=b"a")),
        (changed(x=b"1"), changed(y=b"1")),
        (changed(x=b"1", y=b"2"), changed(x=b"2", y=b"1")),
        (changed(key=None), changed(key=b"")),
        (changed(x=b""), changed()),
        (changed(x=b"ce_y"), changed(x=b"", y=b"")),
    ],
)
def test_no_two_messages_are_signed_by_the_same_bytes(one: bytes, other: bytes) -> None:
    assert one != other
