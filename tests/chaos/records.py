"""What stands in topics and tables at the end."""

from collections.abc import Sequence
from typing import Any, Final

from tests.chaos.checks import Published, Written
from tests.chaos.conftest import Stage
from tests.e2e.harness.rows import rows
from tests.kafka.topics import read_topic
from usercore.delivery.topics import PROFILES, PUBLISHED

_REJECTED: Final = "user-command-rejected"


async def published(stage: Stage) -> list[Published]:
    """Return every event of users that was published."""
    found = []
    for topic in PUBLISHED:
        if topic != _REJECTED:
            found += [_published(topic, record) for record in await read_topic(stage.bootstrap, stage.topic(topic))]
    return found


def _published(topic: str, record: Any) -> Published:
    headers = {name: value.decode() for name, value in record.headers}
    return Published(
        headers["ce_id"],
        record.key.decode(),
        int(headers["ce_sequence"]),
        topic,
        record.partition,
        record.offset,
    )


async def written(stage: Stage) -> list[Written]:
    """Return every event of users that was committed."""
    query = "SELECT event_id::text, aggregateid::text, sequence, topic FROM outbox WHERE aggregatetype = 'user'"
    return [Written(*row) for row in await rows(stage.world.database_url, query)]


async def pending(stage: Stage) -> int:
    """Return how many events are still to be published."""
    [(count,)] = await rows(stage.world.database_url, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
    return int(count)


async def latest_profiles(stage: Stage) -> dict[str, int]:
    """Return for each user the version of the last profile on the compacted topic."""
    records: Sequence[Any] = await read_topic(stage.bootstrap, stage.topic(PROFILES))
    return {record.key.decode(): int(dict(record.headers)["ce_sequence"]) for record in records}


async def current_versions(stage: Stage) -> dict[str, int]:
    """Return the version of each user."""
    return dict(await rows(stage.world.database_url, "SELECT id::text, version FROM users"))
