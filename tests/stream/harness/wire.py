"""Records as other teams see them: a producer and a reader that know nothing of the service."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord
from attrs import evolve, field, frozen

from tests.e2e.harness.waiting import until
from tests.stream.harness.world import World
from usercore.delivery.topics import RECEIVED

Headers = Sequence[tuple[str, bytes]]
MOST_BYTES = 16 * 1024 * 1024


@frozen
class Wire:
    """The topics of one deployment, seen from outside; names are without its prefix."""

    world: World
    producer: AIOKafkaProducer
    sent: dict[TopicPartition, int] = field(factory=dict, repr=False)

    async def send(
        self,
        topic: str,
        value: Mapping[str, Any] | bytes | None,
        *,
        key: str | None = None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Send one record as a console producer does, and return its partition and offset."""
        name = self.world.prefix + topic
        sent = await self.producer.send_and_wait(
            name,
            value=json.dumps(value).encode() if isinstance(value, Mapping) else value,
            key=None if key is None else key.encode(),
            headers=list(headers),
            partition=partition,
        )
        place = TopicPartition(name, sent.partition)
        self.sent[place] = max(self.sent.get(place, 0), sent.offset + 1)
        return sent.partition, sent.offset

    async def make(self, topic: str, partitions: int = 1) -> None:
        """Make a topic, as whoever wants to be answered does."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.world.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(self.world.prefix + topic, partitions, 1)])
        finally:
            await admin.close()

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """Return every record of a topic, by partition and offset; none where there is no such topic."""
        found: list[ConsumerRecord] = []
        async with self._reader() as reader:
            places = await self._places(reader, [topic])
            ends = await reader.end_offsets(places) if places else {}
            reader.assign([place for place in places if ends[place] > 0])
            if reader.assignment():
                await reader.seek_to_beginning()
            for place in reader.assignment():
                while await reader.position(place) < ends[place]:
                    for records in (await reader.getmany(timeout_ms=200)).values():
                        found.extend(records)
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def until_records(self, topic: str, count: int) -> list[ConsumerRecord]:
        """Wait until a topic holds so many records, and return all."""

        async def enough() -> list[ConsumerRecord] | None:
            found = await self.read(topic)
            return found if len(found) >= count else None

        return await until(enough, f"{count} records in {topic}")

    async def lag(self, topics: Iterable[str] = RECEIVED) -> int:
        """Return how many records the consumer group has not committed."""
        async with self._reader(group_id=self.world.group) as reader:
            places = await self._places(reader, topics)
            assert places, "there are no such topics"
            # The embedded broker takes the first record of the last batch for the last one.
            ends = {
                place: max(end, self.sent.get(place, 0)) for place, end in (await reader.end_offsets(places)).items()
            }
            committed = [(place, await reader.committed(place)) for place in places]
        return sum(ends[place] - (done or 0) for place, done in committed)

    async def committed(self, topic: str) -> dict[int, int]:
        """Return for each partition of a topic how far the consumer group has committed."""
        async with self._reader(group_id=self.world.group) as reader:
            places = await self._places(reader, [topic])
            return {place.partition: await reader.committed(place) or 0 for place in places}

    async def until_done(self, topics: Iterable[str] = RECEIVED, deadline_s: float = 60.0) -> None:
        """Wait until every record of the topics is committed."""
        wanted = tuple(topics)

        async def none_left() -> bool:
            return await self.lag(wanted) == 0

        await until(none_left, f"everything consumed of {', '.join(wanted)}", deadline_s)

    def rewound(self) -> "Wire":
        """Return the same topics, for a group that has read nothing of them yet."""
        return evolve(self, world=evolve(self.world, group_name=f"again-{self.world.group_name}"))

    async def _places(self, reader: AIOKafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
        cluster = await reader._client.fetch_all_metadata()
        names = [self.world.prefix + topic for topic in topics]
        return [TopicPartition(name, one) for name in names for one in sorted(cluster.partitions_for_topic(name) or ())]

    @asynccontextmanager
    async def _reader(self, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
        reader = AIOKafkaConsumer(
            bootstrap_servers=self.world.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MOST_BYTES,
            **options,
        )
        await reader.start()
        try:
            yield reader
        finally:
            await reader.stop()


@asynccontextmanager
async def open_wire(world: World) -> AsyncIterator[Wire]:
    """Give the topics of a deployment as other teams see them."""
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap, max_request_size=MOST_BYTES)
    await producer.start()
    try:
        yield Wire(world, producer)
    finally:
        await producer.stop()


def header(record: ConsumerRecord, name: str) -> str | None:
    """Return the text of a header, or None."""
    return next((value.decode() for key, value in record.headers if key == name), None)
