"""The sections of those who speak Kafka: the stream processor, the relay, and userctl."""

from enum import StrEnum
from pathlib import Path

from attrs import field, frozen

from usercore.delivery.topics import COMMANDS
from usercore.kernel.secret import Secret
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import (
    boolean,
    brokers,
    one_of,
    path,
    prefix,
    seconds,
    secret,
    text,
    whole_number,
    words,
)


class SecurityProtocol(StrEnum):
    """How brokers are spoken to."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How we tell brokers who we are."""

    PLAIN = "plain"
    SCRAM_SHA_256 = "scram-sha-256"
    SCRAM_SHA_512 = "scram-sha-512"


@frozen
class KafkaSettings:
    """Kafka: where it is, and how it is spoken to."""

    bootstrap: tuple[str, ...] = setting(
        "KAFKA_BOOTSTRAP",
        brokers,
        "Brokers to ask first: `host:port`, parted by commas.",
    )
    security: SecurityProtocol = setting(
        "USER_SERVICE_KAFKA_SECURITY",
        one_of(SecurityProtocol),
        "`plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.",
        default=SecurityProtocol.PLAINTEXT,
    )
    sasl_mechanism: SaslMechanism = setting(
        "USER_SERVICE_KAFKA_SASL_MECHANISM",
        one_of(SaslMechanism),
        "`plain`, `scram-sha-256` or `scram-sha-512`.",
        default=SaslMechanism.SCRAM_SHA_512,
    )
    sasl_username: str | None = setting(
        "USER_SERVICE_KAFKA_SASL_USERNAME", text, "Who we are to the brokers. Needed with SASL.", default=None
    )
    sasl_password: Secret | None = setting(
        "USER_SERVICE_KAFKA_SASL_PASSWORD",
        secret,
        "The password that goes with it. Needed with SASL.",
        default=None,
        secret=True,
    )
    tls_ca_file: Path | None = setting(
        "USER_SERVICE_KAFKA_TLS_CA_FILE",
        path,
        "Certificates, in PEM, of who may sign those of the brokers. Without it the system's are used.",
        default=None,
    )
    tls_certificate_file: Path | None = setting(
        "USER_SERVICE_KAFKA_TLS_CERTIFICATE_FILE",
        path,
        "Our own certificate, in PEM, where the brokers want one.",
        default=None,
    )
    tls_key_file: Path | None = setting(
        "USER_SERVICE_KAFKA_TLS_KEY_FILE", path, "The private key of our own certificate, in PEM.", default=None
    )
    idempotent: bool = setting(
        "USER_SERVICE_KAFKA_IDEMPOTENT",
        boolean,
        "Publish with the idempotent producer. Switch it off only for a broker that does not know it.",
        default=True,
    )
    request_timeout_s: float = setting(
        "USER_SERVICE_KAFKA_REQUEST_TIMEOUT_S", seconds(1, 120), "How long a broker may take to answer.", default=10.0
    )
    topic_prefix: str = setting(
        "USER_SERVICE_TOPIC_PREFIX",
        prefix,
        "Begins the name of every topic, and of the consumer group, so that several deployments can share a cluster.",
        default="",
    )

    def __attrs_post_init__(self) -> None:
        """Refuse SASL without a name and a password, and half a certificate."""
        found = []
        if self.security in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}:
            if self.sasl_username is None:
                found.append(Problem("USER_SERVICE_KAFKA_SASL_USERNAME", f"is needed with {self.security}"))
            if self.sasl_password is None:
                found.append(Problem("USER_SERVICE_KAFKA_SASL_PASSWORD", f"is needed with {self.security}"))
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            detail = "a certificate and its key come together"
            found.append(Problem("USER_SERVICE_KAFKA_TLS_KEY_FILE", detail))
        if found:
            raise SettingsError(problems=tuple(found))


@frozen
class TopicSettings:
    """How topics are made where they are missing."""

    create: bool = setting(
        "USER_SERVICE_TOPICS_CREATE",
        boolean,
        "Make topics that are missing; else a missing one is an error at the start.",
        default=True,
    )
    partitions: int = setting(
        "USER_SERVICE_TOPIC_PARTITIONS", whole_number(1, 1000), "Partitions of a topic that is made.", default=6
    )
    replication: int = setting(
        "USER_SERVICE_TOPIC_REPLICATION",
        whole_number(1, 10),
        "Copies of each partition of a topic that is made.",
        default=1,
    )
    retention_h: int = setting(
        "USER_SERVICE_TOPIC_RETENTION_H",
        whole_number(1, 24 * 365),
        "Hours that a topic that is made keeps its messages; `user-profiles` is compacted instead.",
        default=24 * 7,
    )
    max_message_bytes: int = setting(
        "USER_SERVICE_TOPIC_MAX_MESSAGE_BYTES",
        whole_number(1024 * 1024, 64 * 1024 * 1024),
        "The largest message that a topic that is made takes.",
        default=8 * 1024 * 1024,
    )


@frozen
class ConsumerSettings:
    """How messages are consumed."""

    group: str = setting(
        "USER_SERVICE_STREAM_GROUP", text, "The consumer group that all copies share.", default="user-service"
    )
    session_timeout_s: float = setting(
        "USER_SERVICE_STREAM_SESSION_TIMEOUT_S",
        seconds(2, 300),
        "After how long without a sign of life a copy's partitions go to others. Brokers refuse less than "
        "their `group.min.session.timeout.ms`, which is 6 s unless it was changed.",
        default=30.0,
    )
    batch: int = setting(
        "USER_SERVICE_STREAM_BATCH",
        whole_number(1, 1000),
        "How many messages of a topic are worked on together.",
        default=100,
    )
    message_limit_bytes: int = setting(
        "USER_SERVICE_STREAM_MESSAGE_LIMIT_BYTES",
        whole_number(1024, 16 * 1024 * 1024),
        "The largest message that is read; a larger one is a dead letter.",
        default=1024 * 1024,
    )
    retries: int = setting(
        "USER_SERVICE_STREAM_RETRIES",
        whole_number(0, 100),
        "How often work that failed for a passing reason is tried again, in place, before the process ends "
        "and the messages come again.",
        default=8,
    )
    retry_first_s: float = setting(
        "USER_SERVICE_STREAM_RETRY_FIRST_S",
        seconds(0.01, 60),
        "How long to wait before the first retry; each later one waits twice as long.",
        default=0.1,
    )
    retry_longest_s: float = setting(
        "USER_SERVICE_STREAM_RETRY_LONGEST_S", seconds(0.01, 300), "The longest wait between two tries.", default=10.0
    )
    parked_limit_s: float = setting(
        "USER_SERVICE_PARKED_LIMIT_S",
        seconds(1, 30 * 24 * 3600),
        "How long an event waits for its user, order or payment to become known before it is a dead letter.",
        default=24.0 * 3600,
    )
    parked_interval_s: float = setting(
        "USER_SERVICE_PARKED_INTERVAL_S",
        seconds(0.05, 3600),
        "How often to look for parked events that can be applied.",
        default=1.0,
    )
    future_tolerance_s: float = setting(
        "USER_SERVICE_FUTURE_TOLERANCE_S",
        seconds(0, 24 * 3600),
        "How far another's clock may run ahead of ours; an event from later than that is a dead letter.",
        default=300.0,
    )
    reply_prefixes: tuple[str, ...] = setting(
        "USER_SERVICE_REPLY_PREFIXES",
        words,
        "How the names of topics may begin to which queries are answered, parted by commas.",
        default=("reply-", "replies."),
    )
    inbox_kept_h: int = setting(
        "USER_SERVICE_INBOX_KEPT_H",
        whole_number(1, 24 * 365),
        "Hours that consumed messages are remembered: longer than any topic keeps them.",
        default=24 * 14,
    )
    host: str = setting(
        "USER_SERVICE_STREAM_LISTEN_HOST",
        text,
        "The address where health and metrics of the stream processor are served.",
        default="127.0.0.1",
    )
    port: int = setting(
        "USER_SERVICE_STREAM_LISTEN_PORT", whole_number(0, 65535), "The port of the same; 0 chooses one.", default=8081
    )


@frozen
class SigningSettings:
    """Which commands must be signed; see docs/signed-commands.md."""

    topics: tuple[str, ...] = setting(
        "USER_SERVICE_SIGNED_TOPICS",
        words,
        "Topics of commands, without the prefix, whose messages must be signed, parted by commas.",
        default=(),
    )
    keys_file: Path | None = setting(
        "USER_SERVICE_SIGNER_KEYS_FILE",
        path,
        "Public keys of who may sign, each with its id and its owner: PEM or a JSON Web Key set. Needed with "
        "`USER_SERVICE_SIGNED_TOPICS`.",
        default=None,
    )
    window_s: float = setting(
        "USER_SERVICE_SIGNATURE_WINDOW_S",
        seconds(1, 14 * 24 * 3600),
        "How far the time of a signed message may be from when the broker got it.",
        default=300.0,
    )

    def __attrs_post_init__(self) -> None:
        """Refuse topics that carry no commands, and signatures that nobody could check."""
        unknown = [topic for topic in self.topics if topic not in COMMANDS]
        if unknown:
            detail = f"name topics of commands: {', '.join(COMMANDS)}"
            raise SettingsError(problems=(Problem("USER_SERVICE_SIGNED_TOPICS", detail),))
        if self.topics and self.keys_file is None:
            detail = "is needed with USER_SERVICE_SIGNED_TOPICS"
            raise SettingsError(problems=(Problem("USER_SERVICE_SIGNER_KEYS_FILE", detail),))


@frozen
class RelaySettings:
    """How events leave the outbox."""

    source: str = setting(
        "USER_SERVICE_EVENT_SOURCE",
        text,
        "The CloudEvents `source` of what is published: a URI reference.",
        default="/user-service",
    )
    in_stream: bool = setting(
        "USER_SERVICE_RELAY_IN_STREAM",
        boolean,
        "Run the relay inside the stream processor. Switch it off where `userctl relay run` or Debezium publishes.",
        default=True,
    )
    poll_s: float = setting(
        "USER_SERVICE_RELAY_POLL_S",
        seconds(0.01, 60),
        "How often to look at the outbox when nothing was heard of it: the net below LISTEN and NOTIFY.",
        default=0.5,
    )
    batch: int = setting(
        "USER_SERVICE_RELAY_BATCH",
        whole_number(1, 10_000),
        "How many events are published in one transaction.",
        default=1000,
    )
    shards: int = setting(
        "USER_SERVICE_RELAY_SHARDS",
        whole_number(1, 64),
        "How many of the 64 shards one transaction takes at most, so that others find some.",
        default=16,
    )
    publish_timeout_s: float = setting(
        "USER_SERVICE_RELAY_PUBLISH_TIMEOUT_S",
        seconds(1, 60),
        "How long the brokers may take to acknowledge them.",
        default=8.0,
    )
    outbox_kept_h: int = setting(
        "USER_SERVICE_OUTBOX_KEPT_H",
        whole_number(1, 24 * 365),
        "Hours that published events stay in the outbox, from where they can be replayed; at most twice as long where "
        "they go with their partition.",
        default=24 * 7,
    )


@frozen
class MessagingSettings:
    """All that the relay and userctl need to speak Kafka."""

    kafka: KafkaSettings = field()
    topics: TopicSettings = field()
    relay: RelaySettings = field()


@frozen
class StreamSettings:
    """All that the stream processor needs of its own."""

    kafka: KafkaSettings = field()
    topics: TopicSettings = field()
    consumer: ConsumerSettings = field()
    relay: RelaySettings = field()
    signing: SigningSettings = field(factory=SigningSettings)
