"""The Faust app: made in code, without its worker, its web server, its signals, its log handlers and its folders."""

import asyncio
import ssl
from typing import Final

import faust
from faust import streams

from user_stream.pump import Event
from usercore.settings import ConsumerSettings, KafkaSettings, SecurityProtocol, TopicSettings

__all__ = ["StreamApp", "build_app", "more_to_come"]

_COMMIT_EVERY_S: Final = 0.5
"""What was finished and not committed comes again after a kill, and costs a look into the inbox."""
_WITH_SASL: Final = frozenset({SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL})
_BUFFERED_BATCHES: Final = 4
_HEARTBEATS: Final = 6
"""Signs of life within a session."""


class StreamApp(faust.App):
    """An app that keeps nothing on disk: it has no tables."""

    async def on_first_start(self) -> None:
        """Make no folders."""


def build_app(
    kafka: KafkaSettings, consumer: ConsumerSettings, topics: TopicSettings, tls: ssl.SSLContext | None
) -> StreamApp:
    """Return an app without agents, which starts when it is told to.

    Args:
        kafka: where the brokers are.
        consumer: the group, and how it consumes.
        topics: bounds the size of what is fetched.
        tls: how connections are secured, where they are.
    """
    if getattr(streams, "_CStreamIterator", None) is None:
        # Its slow twin acknowledges the message that it drops at a rebalance: streams.py, `value is skipped_value`.
        raise RuntimeError("faust-streaming must be installed with its compiled parts")
    app = StreamApp(
        kafka.topic_prefix + consumer.group,
        broker=[f"kafka://{broker}" for broker in kafka.bootstrap],
        broker_credentials=_credentials(kafka, tls),
        autodiscover=False,
        store="memory://",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        # Topics are made and checked by ourselves; Faust's own would have the broker's number of partitions.
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=topics.max_message_bytes,
        # Large enough that batches fill while Faust fetches, small enough for the largest messages.
        stream_buffer_maxsize=_BUFFERED_BATCHES * consumer.batch,
        # Work of a revoked partition comes again elsewhere; the inbox makes that harmless.
        stream_wait_empty=False,
        broker_session_timeout=consumer.session_timeout_s,
        broker_rebalance_timeout=consumer.session_timeout_s,
        broker_heartbeat_interval=consumer.session_timeout_s / _HEARTBEATS,
        # Joining a group is one request, which may take as long as a rebalance.
        broker_request_timeout=kafka.request_timeout_s + consumer.session_timeout_s,
        broker_commit_interval=_COMMIT_EVERY_S,
        loop=asyncio.get_running_loop(),
    )
    app.finalize()
    return app


def more_to_come(app: StreamApp, event: Event) -> bool:
    """Whether the broker, when it was last heard of, had more of an event's partition than that event."""
    end: int | None = app.consumer.highwater(event.message.tp)
    return bool(end and end > event.message.offset + 1)


def _credentials(
    kafka: KafkaSettings, tls: ssl.SSLContext | None
) -> faust.SASLCredentials | faust.SSLCredentials | None:
    if kafka.security in _WITH_SASL:
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.reveal() if kafka.sasl_password else None,
            mechanism=kafka.sasl_mechanism.upper(),
            ssl_context=tls if kafka.security is SecurityProtocol.SASL_SSL else None,
        )
    if kafka.security is SecurityProtocol.SSL:
        return faust.SSLCredentials(context=tls)
    return None
