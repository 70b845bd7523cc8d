"""Settings: frozen sections, read once from the environment at an entry point."""

from usercore.settings.checkpoints import CheckpointSettings
from usercore.settings.loading import Problem, Setting, SettingsError, load, settings_of
from usercore.settings.mail import Mailbox, SmtpSecurity, SmtpSettings
from usercore.settings.messaging import (
    ConsumerSettings,
    KafkaSettings,
    MessagingSettings,
    RelaySettings,
    SaslMechanism,
    SecurityProtocol,
    SigningSettings,
    StreamSettings,
    TopicSettings,
)
from usercore.settings.sections import (
    ActivitySettings,
    CacheSettings,
    CoreSettings,
    DatabaseSettings,
    DeliverySettings,
    MergingSettings,
    PasswordSettings,
    TelemetrySettings,
)
from usercore.settings.services import (
    AuditAdapter,
    AuditSettings,
    AuthenticationAdapter,
    AuthenticationSettings,
    KratosSettings,
    NotificationAdapter,
    NotificationSettings,
    ServicesSettings,
)
from usercore.settings.serving import AuthSettings, HttpSettings, LimitSettings, ServingSettings
from usercore.settings.tracing import TraceSettings
from usercore.settings.trust import KeySettings, PrivacySettings, RetentionSettings, VerificationSettings

__all__ = [
    "ActivitySettings",
    "AuditAdapter",
    "AuditSettings",
    "AuthSettings",
    "AuthenticationAdapter",
    "AuthenticationSettings",
    "CacheSettings",
    "CheckpointSettings",
    "ConsumerSettings",
    "CoreSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "HttpSettings",
    "KafkaSettings",
    "KeySettings",
    "KratosSettings",
    "LimitSettings",
    "Mailbox",
    "MergingSettings",
    "MessagingSettings",
    "NotificationAdapter",
    "NotificationSettings",
    "PasswordSettings",
    "PrivacySettings",
    "Problem",
    "RelaySettings",
    "RetentionSettings",
    "SaslMechanism",
    "SecurityProtocol",
    "ServicesSettings",
    "ServingSettings",
    "Setting",
    "SettingsError",
    "SigningSettings",
    "SmtpSecurity",
    "SmtpSettings",
    "StreamSettings",
    "TelemetrySettings",
    "TopicSettings",
    "TraceSettings",
    "VerificationSettings",
    "load",
    "settings_of",
]
