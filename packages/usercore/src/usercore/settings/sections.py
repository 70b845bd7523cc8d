"""The sections that the core's implementations need."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from attrs import field, frozen

from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.kernel.secret import Secret
from usercore.merging.values import MergePolicy
from usercore.settings.checkpoints import CheckpointSettings
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import (
    base_url,
    key_256,
    one_of,
    path,
    seconds,
    secret_url,
    secret_urls,
    text,
    tiers,
    whole_number,
)
from usercore.settings.services import ServicesSettings
from usercore.settings.tracing import TraceSettings
from usercore.settings.trust import KeySettings, PrivacySettings, RetentionSettings, VerificationSettings


class LogFormat(StrEnum):
    """How log lines look."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least important lines to write."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@frozen
class DatabaseSettings:
    """PostgreSQL."""

    url: Secret = setting(
        "DATABASE_URL",
        secret_url("postgresql", "postgres"),
        "PostgreSQL to keep users in: `postgresql://user:password@host:5432/name`.",
        secret=True,
    )
    pool_size: int = setting(
        "USER_SERVICE_DB_POOL_SIZE",
        whole_number(1, 200),
        "Connections for writing. Times the number of copies it must fit into `max_connections`, "
        "together with those for reading.",
        default=8,
    )
    read_pool_size: int = setting(
        "USER_SERVICE_DB_READ_POOL_SIZE",
        whole_number(1, 200),
        "Connections for reading.",
        default=8,
    )
    pool_timeout_s: float = setting(
        "USER_SERVICE_DB_POOL_TIMEOUT_S",
        seconds(0.01, 60),
        "How long a request waits for a connection before it is refused.",
        default=2.0,
    )
    connect_timeout_s: float = setting(
        "USER_SERVICE_DB_CONNECT_TIMEOUT_S",
        seconds(1, 60),
        "How long to wait for PostgreSQL to accept a connection.",
        default=3.0,
    )
    statement_timeout_s: float = setting(
        "USER_SERVICE_DB_STATEMENT_TIMEOUT_S",
        seconds(0.1, 600),
        "PostgreSQL ends a statement that takes longer.",
        default=5.0,
    )
    lock_timeout_s: float = setting(
        "USER_SERVICE_DB_LOCK_TIMEOUT_S",
        seconds(0.1, 600),
        "PostgreSQL ends a statement that waits longer for a lock.",
        default=3.0,
    )
    idle_in_transaction_timeout_s: float = setting(
        "USER_SERVICE_DB_IDLE_IN_TRANSACTION_TIMEOUT_S",
        seconds(1, 600),
        "PostgreSQL ends a session that leaves a transaction open longer.",
        default=10.0,
    )
    migration_url: Secret | None = setting(
        "USER_SERVICE_DB_MIGRATION_URL",
        secret_url("postgresql", "postgres"),
        "The same database past any pooler, for `userctl db`, as whoever owns the tables. `DATABASE_URL` unless given.",
        default=None,
        secret=True,
    )
    migration_lock_timeout_s: float = setting(
        "USER_SERVICE_DB_MIGRATION_LOCK_TIMEOUT_S",
        seconds(0.05, 60),
        "How long a migration may wait for a table, and keep others waiting behind it, before it lets them pass. "
        "Shorter than `USER_SERVICE_DB_LOCK_TIMEOUT_S`.",
        default=1.0,
    )
    migration_tries: int = setting(
        "USER_SERVICE_DB_MIGRATION_TRIES",
        whole_number(1, 1000),
        "How often a migration tries to get a table that others use, with waits of up to 10 s between.",
        default=20,
    )
    replica_urls: tuple[Secret, ...] = setting(
        "DATABASE_REPLICA_URLS",
        secret_urls("postgresql", "postgres"),
        "Streaming replicas that lists, searches, history, activity and the audit list may be read from, parted by "
        "commas or blanks; each names one server. Without it everything is read from `DATABASE_URL`.",
        default=(),
        secret=True,
    )
    replica_pool_size: int = setting(
        "USER_SERVICE_DB_REPLICA_POOL_SIZE",
        whole_number(1, 200),
        "Connections for reading to each replica.",
        default=8,
    )
    replica_max_lag_s: float = setting(
        "USER_SERVICE_DB_REPLICA_MAX_LAG_S",
        seconds(0.5, 300),
        "How old what a replica answers may be; one that lags more is left out until it has caught up. An erasure "
        "waits as long for a replica that does not tell that it has it too. The same for every copy.",
        default=5.0,
    )
    replica_wait_s: float = setting(
        "USER_SERVICE_DB_REPLICA_WAIT_S",
        seconds(0, 5),
        "How long a read waits for a replica to have what its caller wrote before the primary is asked instead.",
        default=0.1,
    )


@frozen
class CacheSettings:
    """Redis or Valkey, as a cache of ready profiles."""

    url: Secret | None = setting(
        "REDIS_URL",
        secret_url("redis", "rediss", "unix"),
        "Redis or Valkey to cache profiles in: `redis://host:6379/0`. Without it every read goes to PostgreSQL.",
        default=None,
        secret=True,
    )
    key: Secret | None = setting(
        "USER_SERVICE_CACHE_KEY",
        key_256,
        "The key that seals cached profiles: 32 random bytes in base64, the same for every copy. "
        "Needed with `REDIS_URL`.",
        default=None,
        secret=True,
    )
    ttl_s: float = setting(
        "USER_SERVICE_CACHE_TTL_S",
        seconds(1, 60),
        "How long a profile may stay cached.",
        default=60.0,
    )
    timeout_s: float = setting(
        "USER_SERVICE_CACHE_TIMEOUT_S",
        seconds(0.01, 5),
        "How long to wait for the cache before PostgreSQL is asked instead.",
        default=0.25,
    )
    pool_size: int = setting(
        "USER_SERVICE_CACHE_POOL_SIZE",
        whole_number(1, 200),
        "Connections to the cache.",
        default=8,
    )
    namespace: str = setting(
        "USER_SERVICE_CACHE_NAMESPACE",
        text,
        "Begins every key, so that several services can share a server.",
        default="users",
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a cache that would hold profiles unsealed."""
        if self.url is not None and self.key is None:
            detail = "is needed with REDIS_URL (openssl rand -base64 32)"
            raise SettingsError(problems=(Problem("USER_SERVICE_CACHE_KEY", detail),))


@frozen
class PasswordSettings:
    """Hashing of passwords."""

    threads: int = setting(
        "USER_SERVICE_PASSWORD_THREADS",
        whole_number(1, 64),
        "How many passwords are hashed at once.",
        default=2,
    )
    queue: int = setting(
        "USER_SERVICE_PASSWORD_QUEUE",
        whole_number(1, 10_000),
        "How many passwords may wait to be hashed before requests are refused.",
        default=100,
    )


@frozen
class DeliverySettings:
    """What the services around this one are told."""

    interval_s: float = setting(
        "USER_SERVICE_DELIVERY_INTERVAL_S",
        seconds(0.05, 3600),
        "How often to look for deliveries that are due and deactivations that have run out.",
        default=1.0,
    )
    public_url: str | None = setting(
        "USER_SERVICE_PUBLIC_URL",
        base_url,
        "Where this service is reached from outside, `https://users.example.com`: unsubscription links in mail begin "
        "with it. Without it mail has none. One click needs https (RFC 8058).",
        default=None,
    )
    record_file: Path | None = setting(
        "USER_SERVICE_DELIVERY_RECORD_FILE",
        path,
        "Where to record, a JSON line each, what would be sent to those of the authentication, notification "
        "and audit services whose adapter is `local`. Without it the last 1,000 are kept in memory.",
        default=None,
    )
    concurrency: int = setting(
        "USER_SERVICE_DELIVERY_CONCURRENCY",
        whole_number(1, 200),
        "How many calls to one of these services a copy may have under way at once.",
        default=8,
    )
    attempts: int = setting(
        "USER_SERVICE_DELIVERY_ATTEMPTS",
        whole_number(1, 10_000),
        "How often a delivery is tried at least before it is given up and waits for an operator.",
        default=20,
    )
    give_up_h: int = setting(
        "USER_SERVICE_DELIVERY_GIVE_UP_H",
        whole_number(0, 24 * 365),
        "How many hours old it must be as well.",
        default=72,
    )
    breaker_failures: int = setting(
        "USER_SERVICE_DELIVERY_BREAKER_FAILURES",
        whole_number(1, 1000),
        "How many calls to a service must fail in a row before it is left alone for a while.",
        default=5,
    )
    breaker_open_s: float = setting(
        "USER_SERVICE_DELIVERY_BREAKER_OPEN_S",
        seconds(0.1, 3600),
        "How long it is left alone then; twice as long each time that it still does not answer, up to five minutes.",
        default=10.0,
    )
    kept_h: int = setting(
        "USER_SERVICE_DELIVERIES_KEPT_H",
        whole_number(1, 24 * 3650),
        "Hours that acknowledged and discarded deliveries are remembered; what they said is gone at once.",
        default=24 * 30,
    )


@frozen
class MergingSettings:
    """Merging of duplicate accounts."""

    undo_days: int = setting(
        "USER_SERVICE_MERGE_UNDO_DAYS",
        whole_number(0, 3650),
        "For how many days after it a merge of accounts can be undone.",
        default=30,
    )

    scan_every_h: int = setting(
        "USER_SERVICE_MERGE_SCAN_EVERY_H",
        whole_number(0, 8760),
        "How many hours after the last time all accounts are compared, to find some that may be one person's; 0: only "
        "when an operator says so.",
        default=24,
    )

    @property
    def policy(self) -> MergePolicy:
        """The same as the use cases know it."""
        every = timedelta(hours=self.scan_every_h) if self.scan_every_h else None
        return MergePolicy(timedelta(days=self.undo_days), every)


@frozen
class TelemetrySettings:
    """Logs."""

    log_level: LogLevel = setting(
        "USER_SERVICE_LOG_LEVEL",
        one_of(LogLevel),
        "The least important log lines to write: `debug`, `info`, `warning` or `error`.",
        default=LogLevel.INFO,
    )
    log_format: LogFormat = setting(
        "USER_SERVICE_LOG_FORMAT",
        one_of(LogFormat),
        "`json`, `console`, or `auto`: console in a terminal, else JSON.",
        default=LogFormat.AUTO,
    )


@frozen
class ActivitySettings:
    """What users' activity amounts to."""

    loyalty_tiers: LoyaltyTiers = setting(
        "USER_SERVICE_LOYALTY_TIERS",
        tiers,
        "Tiers and the lifetime points that each begins at, parted by commas: `BRONZE:0,SILVER:1000`. The first "
        "begins at 0.",
        default=DEFAULT_TIERS,
    )


@frozen
class CoreSettings:
    """All that `open_core` needs."""

    database: DatabaseSettings = field()
    keys: KeySettings = field()
    cache: CacheSettings = field()
    passwords: PasswordSettings = field()
    delivery: DeliverySettings = field()
    services: ServicesSettings = field()
    checkpoints: CheckpointSettings = field()
    activity: ActivitySettings = field()
    verification: VerificationSettings = field()
    retention: RetentionSettings = field()
    telemetry: TelemetrySettings = field()
    traces: TraceSettings = field(factory=TraceSettings)
    privacy: PrivacySettings = field(factory=PrivacySettings)
    merging: MergingSettings = field(factory=MergingSettings)
