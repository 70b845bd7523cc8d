"""The sections of the three services around this one: which adapter speaks to each, and where it is."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import field, frozen

from usercore.kernel.secret import Secret
from usercore.settings.loading import Problem, SettingsError, section_where, setting
from usercore.settings.mail import SmtpSettings
from usercore.settings.messaging import KafkaSettings, TopicSettings
from usercore.settings.parsers import bearer, name, one_of, path, seconds, url

AUTHENTICATION = "USER_SERVICE_AUTHENTICATION_ADAPTER"
NOTIFICATION = "USER_SERVICE_NOTIFICATION_ADAPTER"
AUDIT = "USER_SERVICE_AUDIT_ADAPTER"


class AuthenticationAdapter(StrEnum):
    """Who the AuthenticationService is: nobody (calls are recorded), one that keeps our contract, or Ory Kratos."""

    LOCAL = "local"
    HTTP = "http"
    KRATOS = "kratos"


class NotificationAdapter(StrEnum):
    """Who the NotificationService is: nobody (calls are recorded), one that keeps our contract, or a mail server."""

    LOCAL = "local"
    HTTP = "http"
    SMTP = "smtp"


class AuditAdapter(StrEnum):
    """Who the AuditService is: nobody (calls are recorded), one that keeps our contract, or a topic."""

    LOCAL = "local"
    HTTP = "http"
    TOPIC = "topic"


def _url(variable: str, whose: str) -> Any:  # noqa: ANN401 -- an attrs field, as `setting` makes one
    doc = f"Where {whose} is: `https://host/base`. Needed with the adapter `http`."
    return setting(variable, url("https", "http"), doc, default=None)


def _token(variable: str, whose: str) -> Any:  # noqa: ANN401 -- the same
    return setting(variable, bearer, f"The bearer token that {whose} knows us by.", default=None, secret=True)


def _timeout(variable: str, whose: str) -> Any:  # noqa: ANN401 -- the same
    doc = f"How long {whose} may take to answer a call."
    return setting(variable, seconds(0.1, CALL_LIMIT_S), doc, default=5.0)


CALL_LIMIT_S = 15.0
"""The most that a call may take: a delivery is leased for a minute, and must have been told within it."""


@frozen
class AuthenticationSettings:
    """The AuthenticationService."""

    adapter: AuthenticationAdapter = setting(
        AUTHENTICATION,
        one_of(AuthenticationAdapter),
        "Who keeps credentials: `local` records what would be asked, `http` is a service that keeps "
        "`docs/contracts/authentication-service.yaml`, `kratos` is Ory Kratos.",
        default=AuthenticationAdapter.LOCAL,
    )
    url: str | None = _url("USER_SERVICE_AUTHENTICATION_URL", "the AuthenticationService")
    token: Secret | None = _token("USER_SERVICE_AUTHENTICATION_TOKEN", "the AuthenticationService")
    timeout_s: float = _timeout("USER_SERVICE_AUTHENTICATION_TIMEOUT_S", "the AuthenticationService, or Kratos,")

    def __attrs_post_init__(self) -> None:
        """Refuse an adapter that does not know where to go."""
        _need(self.url, self.adapter is AuthenticationAdapter.HTTP, "USER_SERVICE_AUTHENTICATION_URL", AUTHENTICATION)


@frozen
class KratosSettings:
    """Ory Kratos, where it keeps the credentials."""

    admin_url: str | None = setting(
        "KRATOS_ADMIN_URL",
        url("https", "http"),
        "Where the admin API of Ory Kratos is: `http://host:4434`. Needed with the adapter `kratos`.",
        default=None,
    )
    token: Secret | None = _token("USER_SERVICE_KRATOS_TOKEN", "Kratos, or the proxy in front of it,")
    schema_id: str = setting(
        "USER_SERVICE_KRATOS_SCHEMA_ID",
        name,
        "The identity schema of those who sign in; it has the traits `email` and `username`.",
        default="default",
    )


@frozen
class NotificationSettings:
    """The NotificationService."""

    adapter: NotificationAdapter = setting(
        NOTIFICATION,
        one_of(NotificationAdapter),
        "Who writes to users: `local` records what would be sent, `http` is a service that keeps "
        "`docs/contracts/notification-service.yaml`, `smtp` is a mail server.",
        default=NotificationAdapter.LOCAL,
    )
    url: str | None = _url("USER_SERVICE_NOTIFICATION_URL", "the NotificationService")
    token: Secret | None = _token("USER_SERVICE_NOTIFICATION_TOKEN", "the NotificationService")
    timeout_s: float = _timeout("USER_SERVICE_NOTIFICATION_TIMEOUT_S", "the NotificationService")

    def __attrs_post_init__(self) -> None:
        """Refuse an adapter that does not know where to go."""
        _need(self.url, self.adapter is NotificationAdapter.HTTP, "USER_SERVICE_NOTIFICATION_URL", NOTIFICATION)


@frozen
class AuditSettings:
    """The AuditService."""

    adapter: AuditAdapter = setting(
        AUDIT,
        one_of(AuditAdapter),
        "Who keeps the company's audit trail: `local` records what would be told, `http` is a service that keeps "
        "`docs/contracts/audit-service.yaml`, `topic` is a topic of the brokers that `KAFKA_BOOTSTRAP` names.",
        default=AuditAdapter.LOCAL,
    )
    url: str | None = _url("USER_SERVICE_AUDIT_URL", "the AuditService")
    token: Secret | None = _token("USER_SERVICE_AUDIT_TOKEN", "the AuditService")
    timeout_s: float = _timeout("USER_SERVICE_AUDIT_TIMEOUT_S", "the AuditService, or the broker,")
    topic: str = setting(
        "USER_SERVICE_AUDIT_TOPIC",
        name,
        "The topic of audit entries, without the deployment's prefix.",
        default="user-service.audit",
    )

    def __attrs_post_init__(self) -> None:
        """Refuse an adapter that does not know where to go."""
        _need(self.url, self.adapter is AuditAdapter.HTTP, "USER_SERVICE_AUDIT_URL", AUDIT)


@frozen
class ServicesSettings:
    """The three services around this one.

    Args:
        ca_file: who may sign the certificates of those that speak HTTP.
        kafka: read where audit entries go to a topic; else None.
        topics: the same.
    """

    authentication: AuthenticationSettings = field(factory=AuthenticationSettings)
    kratos: KratosSettings = field(factory=KratosSettings)
    notification: NotificationSettings = field(factory=NotificationSettings)
    smtp: SmtpSettings = field(factory=SmtpSettings)
    audit: AuditSettings = field(factory=AuditSettings)
    ca_file: Path | None = setting(
        "USER_SERVICE_SERVICES_CA_FILE",
        path,
        "Certificates, in PEM, of who may sign those of these services. Without it the usual ones are used.",
        default=None,
    )
    kafka: KafkaSettings | None = section_where(KafkaSettings, AUDIT, AuditAdapter.TOPIC)
    topics: TopicSettings | None = section_where(TopicSettings, AUDIT, AuditAdapter.TOPIC)

    def __attrs_post_init__(self) -> None:
        """Refuse Kratos without an address, and mail without a server or a sender."""
        kratos = self.authentication.adapter is AuthenticationAdapter.KRATOS
        _need(self.kratos.admin_url, kratos, "KRATOS_ADMIN_URL", AUTHENTICATION)
        if self.notification.adapter is NotificationAdapter.SMTP and (missing := self.smtp.missing()):
            raise SettingsError(problems=missing)


def _need(value: object, needed: bool, variable: str, because: str) -> None:  # noqa: FBT001 -- said in words by callers
    if needed and value is None:
        raise SettingsError(problems=(Problem(variable, f"is needed with the adapter that {because} names"),))
