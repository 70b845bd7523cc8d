"""Topics: made where they are missing, and looked at where they are there."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code
from attrs import frozen

from usercore.adapters.kafka.access import connect
from usercore.adapters.kafka.connection import client_options
from usercore.adapters.kafka.errors import translated
from usercore.delivery.topics import COMPACTED, KEPT
from usercore.messaging.errors import BrokerDeniedError, TopicsMissingError
from usercore.settings import KafkaSettings, TopicSettings

_LOOK_EVERY_S: Final = 0.1
_FOR_EVER: Final = -1
_HOUR_MS: Final = 3_600_000


@frozen
class KafkaTopics:
    """The topics of one deployment.

    Args:
        kafka: where the brokers are, and what the topics' names begin with.
        topics: how topics are made.
    """

    kafka: KafkaSettings
    topics: TopicSettings

    async def ensure(self, names: Sequence[str]) -> None:
        """Return once all topics are there: make those that are missing, or refuse where that is not allowed.

        A topic with another number of partitions than is set stays as it is, and is reported in a log line.

        Args:
            names: without the deployment's prefix.

        Raises:
            TopicsMissingError: some are not there; it names them.
            BrokerDeniedError: the brokers do not let us.
            UnavailableError: the brokers do not answer.
        """
        wanted = {self.kafka.topic_prefix + name: name for name in names}
        with translated():
            async with _admin(self.kafka) as admin:
                there = await partitions_of(admin)
                missing = [name for name in wanted if name not in there]
                if missing and not self.topics.create:
                    raise TopicsMissingError(f"topics are missing: {', '.join(missing)}")
                if missing:
                    await self._make(admin, {name: wanted[name] for name in missing})
                    await self._until_there(admin, missing)
        self._compare({name: there[name] for name in wanted if name in there})

    async def _make(self, admin: AIOKafkaAdminClient, missing: Mapping[str, str]) -> None:
        made = [
            NewTopic(name, self.topics.partitions, self.topics.replication, topic_configs=self._config(plain))
            for name, plain in missing.items()
        ]
        answer = await admin.create_topics(made)
        refused = {}
        for name, code, *_ in answer.topic_errors:
            # Another process that starts at the same time may have been quicker.
            error = for_code(code)
            if error is TopicAuthorizationFailedError:
                raise BrokerDeniedError(f"the brokers do not let us make topics: {name}")
            if error not in {NoError, TopicAlreadyExistsError}:
                refused[name] = error.__name__
        if refused:
            why = ", ".join(f"{name} ({error})" for name, error in refused.items())
            raise TopicsMissingError(f"topics cannot be made: {why}")
        structlog.get_logger().info("topics made", topics=list(missing))

    def _config(self, name: str) -> dict[str, str]:
        size = {"max.message.bytes": str(self.topics.max_message_bytes)}
        if name in COMPACTED:
            return {"cleanup.policy": "compact", **size}
        time_ms = _FOR_EVER if name in KEPT else self.topics.retention_h * _HOUR_MS
        return {"cleanup.policy": "delete", "retention.ms": str(time_ms), **size}

    async def _until_there(self, admin: AIOKafkaAdminClient, names: Iterable[str]) -> None:
        """Wait until brokers tell of topics that were just made."""
        wanted = set(names)
        async with asyncio.timeout(self.kafka.request_timeout_s):
            while not wanted <= (await partitions_of(admin)).keys():  # noqa: ASYNC110 -- nobody tells us of it
                await asyncio.sleep(_LOOK_EVERY_S)

    def _compare(self, there: Mapping[str, int]) -> None:
        for name, partitions in there.items():
            if partitions != self.topics.partitions:
                structlog.get_logger().warning(
                    "topic has another number of partitions than is set",
                    topic=name,
                    partitions=partitions,
                    set_to=self.topics.partitions,
                )


async def partitions_of(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """Return every topic that we may see, and how many partitions it has."""
    # Asked for by name, a missing topic may be made by the brokers on the way.
    topics = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics}


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await connect(admin.start, settings)
        yield admin
    finally:
        await admin.close()


async def existing_topics(settings: KafkaSettings) -> dict[str, int]:
    """Return the deployment's topics, without their prefix, and how many partitions each has.

    Raises:
        UnavailableError: the brokers do not answer.
        BrokerDeniedError: they do not let us.
    """
    prefix = settings.topic_prefix
    with translated():
        async with _admin(settings) as admin:
            there = await partitions_of(admin)
    return {name.removeprefix(prefix): count for name, count in there.items() if name.startswith(prefix)}
