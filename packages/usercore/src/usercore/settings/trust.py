"""The sections of trust: keys, privacy requests, verification, retention."""

from datetime import timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import frozen

from usercore.kernel.secret import Secret
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.retention.values import InactivityRule, Kept, Schedule
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import (
    boolean,
    master_keys,
    path,
    seconds,
    text,
    time_zone,
    whole_number,
)
from usercore.verification.values import VerificationPolicy


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
    imports_days: int = setting(
        "USER_SERVICE_RETENTION_IMPORTS_DAYS",
        whole_number(1, 3650),
        "How long it is remembered of imports that have ended how they went, and which rows had errors.",
        default=90,
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
