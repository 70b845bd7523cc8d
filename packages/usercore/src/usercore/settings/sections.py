"""The sections that the core's implementations need."""

from datetime import timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import field, frozen

from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.kernel.secret import Secret
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.retention.values import InactivityRule, Kept, Schedule
from usercore.settings.checkpoints import CheckpointSettings
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import (
    base_url,
    boolean,
    key_256,
    master_keys,
    one_of,
    path,
    seconds,
    secret_url,
    text,
    tiers,
    time_zone,
    whole_number,
)
from usercore.settings.services import ServicesSettings
from usercore.verification.values import VerificationPolicy


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
class KeySettings:
    """Master keys, which wrap the keys that personal data is sealed with."""

    master_keys: Secret | None = setting(
        "USER_SERVICE_MASTER_KEYS",
        master_keys,
        "Master keys, `VERSION:KEY` parted by commas or lines, each key 32 random bytes in base64; the same for every "
        "copy, and kept apart from the database and its backups. The highest version wraps new keys; keep the others "
        "until `userctl keys rotate` is done. Either it or `USER_SERVICE_MASTER_KEYS_COMMAND` is needed.",
        default=None,
        secret=True,
    )
    command: str | None = setting(
        "USER_SERVICE_MASTER_KEYS_COMMAND",
        text,
        "A command, run once at the start and without a shell, that prints the same: the way to a key management "
        "service.",
        default=None,
    )
    command_timeout_s: float = setting(
        "USER_SERVICE_MASTER_KEYS_COMMAND_TIMEOUT_S",
        seconds(0.1, 300),
        "How long that command may take.",
        default=30.0,
    )

    def __attrs_post_init__(self) -> None:
        """Refuse to keep personal data unsealed."""
        if (self.master_keys is None) == (self.command is None):
            detail = "set either it or USER_SERVICE_MASTER_KEYS_COMMAND (1: and the output of openssl rand -base64 32)"
            raise SettingsError(problems=(Problem("USER_SERVICE_MASTER_KEYS", detail),))


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
class PrivacySettings:
    """Privacy requests and erasure."""

    zone: tzinfo = setting(
        "USER_SERVICE_PRIVACY_TIME_ZONE",
        time_zone,
        "Where the company's days begin and end, by which legal deadlines are counted: an IANA name, `Europe/Berlin`.",
        default=ZoneInfo("UTC"),
    )
    archive_days: int = setting(
        "USER_SERVICE_PRIVACY_ARCHIVE_DAYS",
        whole_number(1, 90),
        "For how many days an archive of personal data can be fetched.",
        default=7,
    )
    erasure_delay_h: int = setting(
        "USER_SERVICE_ERASURE_DELAY_H",
        whole_number(0, 24 * 30),
        "How many hours an accepted erasure waits, so that it can still be taken back, refused or held.",
        default=0,
    )
    erasure_patience_s: float = setting(
        "USER_SERVICE_ERASURE_PATIENCE_S",
        seconds(0, 86_400),
        "How long an erasure waits for events and deliveries about the person to go out; then they are dropped.",
        default=600.0,
    )
    erasure_ledger_file: Path | None = setting(
        "USER_SERVICE_ERASURE_LEDGER_FILE",
        path,
        "The file that erasures are written down in outside the database, one line each. Without it a restored backup "
        "brings erased people back. All copies of the service must share it.",
        default=None,
    )

    @property
    def policy(self) -> RequestPolicy:
        """The company's rules, as privacy requests know them."""
        return RequestPolicy(
            zone=self.zone,
            archive_kept=timedelta(days=self.archive_days),
            erasure_delay=timedelta(hours=self.erasure_delay_h),
            patience=timedelta(seconds=self.erasure_patience_s),
        )


@frozen
class VerificationSettings:
    """Codes and links that prove an email address or a phone number."""

    code_ttl_s: float = setting(
        "USER_SERVICE_VERIFICATION_CODE_TTL_S",
        seconds(60, 3600),
        "How long a code serves: long enough for a slow mail, too short to guess it.",
        default=900.0,
    )
    link_ttl_s: float = setting(
        "USER_SERVICE_VERIFICATION_LINK_TTL_S",
        seconds(300, 604_800),
        "How long a link serves, also the one in the first mail to a new user.",
        default=86_400.0,
    )
    attempts: int = setting(
        "USER_SERVICE_VERIFICATION_ATTEMPTS",
        whole_number(1, 20),
        "How many guesses at one verification are looked at.",
        default=5,
    )
    interval_s: float = setting(
        "USER_SERVICE_VERIFICATION_INTERVAL_S",
        seconds(0, 3600),
        "The least time between two codes for one user and channel.",
        default=60.0,
    )
    per_hour: int = setting(
        "USER_SERVICE_VERIFICATION_PER_HOUR",
        whole_number(1, 1_000),
        "How many codes one user may be sent within an hour, by each channel.",
        default=5,
    )
    per_day: int = setting(
        "USER_SERVICE_VERIFICATION_PER_DAY",
        whole_number(1, 1_000),
        "How many codes one user may be sent within a day, by each channel.",
        default=10,
    )
    with_creation: bool = setting(
        "USER_SERVICE_VERIFICATION_WITH_CREATION",
        boolean,
        "Whether the first mail to a new user carries a link that verifies the email.",
        default=True,
    )
    kept_days: int = setting(
        "USER_SERVICE_VERIFICATION_KEPT_DAYS",
        whole_number(2, 3650),
        "How long verifications are remembered; those of identities stay with the user.",
        default=30,
    )

    def policy(self) -> VerificationPolicy:
        """Return what the use cases go by."""
        return VerificationPolicy(
            code_lasts=timedelta(seconds=self.code_ttl_s),
            link_lasts=timedelta(seconds=self.link_ttl_s),
            attempts=self.attempts,
            interval=timedelta(seconds=self.interval_s),
            per_hour=self.per_hour,
            per_day=self.per_day,
            with_creation=self.with_creation,
            kept=timedelta(days=self.kept_days),
        )


@frozen
class RetentionSettings:
    """How long things are kept that nobody needs any more; what is told to others has settings of its own."""

    every_h: int = setting(
        "USER_SERVICE_RETENTION_EVERY_H",
        whole_number(0, 8760),
        "How often the schedule is run by itself; 0: only by `userctl retention run`.",
        default=24,
    )
    settled_dead_letters_days: int = setting(
        "USER_SERVICE_RETENTION_SETTLED_DEAD_LETTERS_DAYS",
        whole_number(0, 3650),
        "How long dead letters are kept that were replayed or discarded; 0: for ever.",
        default=30,
    )
    waiting_dead_letters_days: int = setting(
        "USER_SERVICE_RETENTION_WAITING_DEAD_LETTERS_DAYS",
        whole_number(0, 3650),
        "How long dead letters are kept that nobody has looked after; 0: for ever.",
        default=180,
    )
    activity_days: int = setting(
        "USER_SERVICE_RETENTION_ACTIVITY_DAYS",
        whole_number(0, 36_500),
        "How long orders, payments and points are kept; 0: as long as the account. Sums and tiers then count what is "
        "left.",
        default=0,
    )
    closed_requests_days: int = setting(
        "USER_SERVICE_RETENTION_CLOSED_REQUESTS_DAYS",
        whole_number(0, 36_500),
        "How long privacy requests are kept that were answered; 0: for ever. Erasures stay in any case.",
        # Source: three years and a half, as claims by GDPR Art. 82 lapse in most member states within three years.
        default=1278,
    )
    inactivity_days: int = setting(
        "USER_SERVICE_RETENTION_INACTIVITY_DAYS",
        whole_number(0, 36_500),
        "After how many days without a change or a fact the person is told that the account will be deactivated; "
        "0: never.",
        default=0,
    )
    inactivity_grace_days: int = setting(
        "USER_SERVICE_RETENTION_INACTIVITY_GRACE_DAYS",
        whole_number(1, 3650),
        "How many days after that an account that is still not used is deactivated.",
        default=30,
    )
    inactivity_erasure_days: int = setting(
        "USER_SERVICE_RETENTION_INACTIVITY_ERASURE_DAYS",
        whole_number(0, 36_500),
        "How many days after that its erasure is asked for; 0: never.",
        default=0,
    )

    def schedule(self) -> Schedule:
        """Return what the use cases go by."""
        days = {
            Kept.SETTLED_DEAD_LETTERS: self.settled_dead_letters_days,
            Kept.WAITING_DEAD_LETTERS: self.waiting_dead_letters_days,
            Kept.ACTIVITY: self.activity_days,
            Kept.CLOSED_REQUESTS: self.closed_requests_days,
        }
        kept = {what: timedelta(days=count) for what, count in days.items() if count}
        return Schedule(kept, self._inactivity() if self.inactivity_days else None)

    def _inactivity(self) -> InactivityRule:
        erasure = timedelta(days=self.inactivity_erasure_days) if self.inactivity_erasure_days else None
        return InactivityRule(timedelta(days=self.inactivity_days), timedelta(days=self.inactivity_grace_days), erasure)


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
    privacy: PrivacySettings = field(factory=PrivacySettings)
