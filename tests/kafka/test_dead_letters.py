"""A dead letter on its topic: the message's own bytes, key and headers, and why it is there."""

import pytest

from tests.builders import a_context
from tests.kafka.topics import make_topic, read_topic
from tests.letters import a_letter, a_message
from usercore.adapters.kafka.dead_letters import KafkaDeadLetterSink
from usercore.adapters.kafka.producer import open_producer
from usercore.settings import KafkaSettings
from usercore.wiring.memory import memory_ports
from usercore.wiring.setaside import bury_message, replay_dead_letter

TOPIC = "user-service.dead-letter"
MIB = 1024 * 1024


async def test_bytes_key_and_headers_arrive_untouched_and_in_their_order(
    kafka_settings: KafkaSettings,
) -> None:
    headers = (("ce_id", b"\xff\x00"), ("x", b""), ("ce_id", b"again"), ("naïve 𐐷", b"1"))
    letters = [
        a_letter(a_message(key=b"\x00\xff", value=b"\xfe" * 1000, headers=headers)),
        a_letter(a_message(key=None, value=None)),
        a_letter(a_message(key=b"", value=b"")),
    ]
    name = kafka_settings.topic_prefix + TOPIC
    await make_topic(kafka_settings.bootstrap[0], name)

    async with open_producer(kafka_settings) as producer:
        for letter in letters:
            await KafkaDeadLetterSink(producer).publish(letter)

    found = await read_topic(kafka_settings.bootstrap[0], name)
    assert [(one.key, one.value) for one in found] == [(one.message.key, one.message.value) for one in letters]
    assert found[0].headers[:4] == headers
    for one, letter in zip(found, letters, strict=True):
        assert dict(one.headers)["dlq_id"] == letter.id.encode()
        assert dict(one.headers)["dlq_offset"] == str(letter.message.offset).encode()
        assert len(one.headers) == len(letter.message.headers) + 9


async def test_a_letter_that_is_buried_and_replayed_stands_in_its_topic_as_it_was(
    kafka_settings: KafkaSettings,
) -> None:
    raw = a_message("order-placed", key=b"k", value=b"\xfe", headers=(("a", b"1"), ("a", b"2")))
    for topic in (TOPIC, raw.topic):
        await make_topic(kafka_settings.bootstrap[0], kafka_settings.topic_prefix + topic)
    ports = memory_ports()

    async with open_producer(kafka_settings) as producer:
        letter = await bury_message(ports, producer)(raw, "not_json", "no JSON", 1)
        await replay_dead_letter(ports, producer)(letter.id, "why", a_context())

    [again] = await read_topic(kafka_settings.bootstrap[0], kafka_settings.topic_prefix + raw.topic)
    assert (again.key, again.value) == (b"k", b"\xfe")
    assert again.headers == (*raw.headers, ("dlq_original", str(raw.place).encode()))


@pytest.mark.apache
async def test_what_the_brokers_find_too_large_is_shown_without_its_value(kafka_settings: KafkaSettings) -> None:
    name = kafka_settings.topic_prefix + TOPIC
    await make_topic(kafka_settings.bootstrap[0], name, configs={"max.message.bytes": str(MIB)})
    large = a_letter(a_message(key=b"k", value=b"x" * 2 * MIB, headers=(("a", b"1"),)))
    larger = a_letter(a_message(key=b"k" * 2 * MIB, value=b"x", headers=(("a", b"1"),)))

    async with open_producer(kafka_settings) as producer:
        for letter in (large, larger):
            await KafkaDeadLetterSink(producer).publish(letter)

    found = await read_topic(kafka_settings.bootstrap[0], name)
    assert [(one.key, one.value) for one in found] == [(b"k", None), (None, None)]
    assert [dict(one.headers)["dlq_truncated"] for one in found] == [b"value", b"key, value, headers"]
    assert [("a", b"1") in one.headers for one in found] == [True, False]
    assert [dict(one.headers)["dlq_id"] for one in found] == [large.id.encode(), larger.id.encode()]
