"""Settings: frozen sections, read once from the environment at an entry point."""

from usercore.settings.loading import Problem, Setting, SettingsError, load, settings_of
from usercore.settings.messaging import (
    ConsumerSettings,
    KafkaSettings,
    MessagingSettings,
    RelaySettings,
    SaslMechanism,
    SecurityProtocol,
    StreamSettings,
    TopicSettings,
)
from usercore.settings.sections import (
    ActivitySettings,
    CacheSettings,
    CoreSettings,
    DatabaseSettings,
    DeliverySettings,
    PasswordSettings,
    TelemetrySettings,
)
from usercore.settings.serving import AuthSettings, HttpSettings, ServingSettings

__all__ = [
    "ActivitySettings",
    "AuthSettings",
    "CacheSettings",
    "ConsumerSettings",
    "CoreSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "HttpSettings",
    "KafkaSettings",
    "MessagingSettings",
    "PasswordSettings",
    "Problem",
    "RelaySettings",
    "SaslMechanism",
    "SecurityProtocol",
    "ServingSettings",
    "Setting",
    "SettingsError",
    "StreamSettings",
    "TelemetrySettings",
    "TopicSettings",
    "load",
    "settings_of",
]
