"""A message nobody can use is kept, then shown on the dead-letter topic, under one id however often it is tried."""

import json
from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, SetClock, a_context
from tests.letters import a_letter, a_message
from tests.unit.messaging.senders import RecordingSender
from usercore.adapters.kafka.dead_letters import KafkaDeadLetterSink
from usercore.kernel.errors import UnavailableError
from usercore.messaging.bury import BuryMessage
from usercore.messaging.values import DeadLetterFilter, RawMessage
from usercore.wiring.core import Core
from usercore.wiring.setaside import bury_message

EVERY = DeadLetterFilter()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def bury(core: Core, sender: RecordingSender) -> BuryMessage:
    return bury_message(core.ports, sender)


def is_away() -> None:
    raise UnavailableError


async def test_it_is_kept_and_published_as_it_came(core: Core, bury: BuryMessage, sender: RecordingSender) -> None:
    headers = (("ce_id", b"\xff"), ("X", b""), ("ce_id", b"again"))
    raw = a_message("order-placed", partition=3, offset=41, value=b"\xfe{", key=b"\x00", headers=headers)

    letter = await bury(raw, "not_json", "write JSON in UTF-8", attempts=2)

    assert await core.get_dead_letter(letter.id) == letter
    assert letter == evolve(a_letter(raw, attempts=2, died_at=NOW), id=letter.id)
    [(topic, key, value, published)] = sender.sent
    assert (topic, key, value) == ("user-service.dead-letter", b"\x00", b"\xfe{")
    assert published == (
        *headers,
        ("dlq_topic", b"order-placed"),
        ("dlq_partition", b"3"),
        ("dlq_offset", b"41"),
        ("dlq_timestamp", b"1772000000000"),
        ("dlq_code", b"not_json"),
        ("dlq_detail", b"write JSON in UTF-8"),
        ("dlq_attempts", b"2"),
        ("dlq_time", b"2026-03-01T12:00:00.123456Z"),
        ("dlq_id", letter.id.encode()),
    )


async def test_a_crash_before_it_was_published_is_made_good_under_the_same_id(
    core: Core, bury: BuryMessage, sender: RecordingSender, clock: SetClock
) -> None:
    raw = a_message()
    sender.before = is_away
    with pytest.raises(UnavailableError):
        await bury(raw, "not_json", "no JSON", 1)
    [kept] = (await core.list_dead_letters(EVERY)).items
    assert sender.sent == []

    sender.before = lambda: None
    clock.advance(seconds=9)
    for _ in range(2):
        assert (await bury(raw, "not_json", "no JSON", 1)).id == kept.id

    assert [one.id for one in (await core.list_dead_letters(EVERY)).items] == [kept.id]
    assert [dict(headers)["dlq_id"] for *_, headers in sender.sent] == [kept.id.encode()] * 2


@pytest.mark.parametrize("value", [{"email": "a@b.c", "password": "open-sesame"}, '{"password": "open-sesame'])
async def test_a_password_is_neither_kept_nor_published(
    core: Core, bury: BuryMessage, sender: RecordingSender, value: Any
) -> None:
    text = value if isinstance(value, str) else json.dumps(value)

    letter = await bury(a_message("create-user", value=text.encode()), "schema_violated", "no", 1)

    kept = await core.get_dead_letter(letter.id)
    assert b"sesame" not in (kept.message.value or b"")
    assert b"[redacted]" in (kept.message.value or b"")
    [(_, _, published, headers)] = sender.sent
    assert published == kept.message.value
    assert dict(headers)["dlq_redacted"] == b"password"


async def test_headers_that_we_added_before_are_replaced_and_what_belongs_to_the_message_stays(
    bury: BuryMessage, sender: RecordingSender
) -> None:
    own = (("a", b"1"), ("dlq_original", b"order-placed/0/1/2"))
    raw = a_message(headers=(("dlq_code", b"old"), *own, ("DLQ_Id", b"old"), ("dlq_truncated", b"value")))

    await bury(raw, "not_json", "no JSON", 1)

    [(*_, headers)] = sender.sent
    assert headers[:2] == own
    names = [name for name, _ in headers]
    assert len(set(names)) == len(names) == 2 + 9
    assert dict(headers)["dlq_code"] == b"not_json"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (a_message(value=b"x" * 5_000, key=b"k", headers=(("a", b"1"),)), (b"k", [("a", b"1")], b"value")),
        (a_message(value=b"x", key=b"k" * 5_000), (None, [], b"key, value, headers")),
        (a_message(value=None, headers=(("a", b"1" * 5_000),)), (None, [], b"key, value, headers")),
    ],
    ids=["value", "key", "headers"],
)
async def test_what_the_topic_does_not_take_is_left_out_and_said_so(
    raw: RawMessage, kept: tuple[bytes | None, list[tuple[str, bytes]], bytes]
) -> None:
    key, own, left_out = kept
    sender = RecordingSender(most_bytes=1_000)

    await KafkaDeadLetterSink(sender).publish(a_letter(raw))

    [(_, sent_key, value, headers)] = sender.sent
    assert (sent_key, value, [pair for pair in headers if not pair[0].startswith("dlq_")]) == (key, None, own)
    assert headers[-1] == ("dlq_truncated", left_out)
    assert dict(headers)["dlq_code"] == b"not_json"


async def test_what_is_too_large_for_the_topic_is_kept_whole(core: Core) -> None:
    raw = a_message(value=b"x" * 5_000_000)

    letter = await bury_message(core.ports, RecordingSender(most_bytes=1_000))(raw, "too_large", "too large", 1)

    assert (await core.get_dead_letter(letter.id)).message == raw


async def test_a_letter_that_was_settled_stays_so_when_its_message_is_buried_again(
    core: Core, bury: BuryMessage
) -> None:
    raw = a_message()
    letter = await bury(raw, "not_json", "no JSON", 1)
    settled = await core.discard_dead_letter(letter.id, "known", a_context())

    again = await bury(raw, "not_json", "no JSON", 1)

    assert await core.get_dead_letter(letter.id) == settled
    assert evolve(again, state=settled.state, settlement=settled.settlement) == settled
