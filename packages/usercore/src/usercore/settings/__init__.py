"""Settings: frozen sections, read once from the environment at an entry point."""

from usercore.settings.loading import Problem, Setting, SettingsError, load, settings_of
from usercore.settings.sections import (
    CacheSettings,
    CoreSettings,
    DatabaseSettings,
    DeliverySettings,
    PasswordSettings,
    TelemetrySettings,
)
from usercore.settings.serving import AuthSettings, HttpSettings, ServingSettings

__all__ = [
    "AuthSettings",
    "CacheSettings",
    "CoreSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "HttpSettings",
    "PasswordSettings",
    "Problem",
    "ServingSettings",
    "Setting",
    "SettingsError",
    "TelemetrySettings",
    "load",
    "settings_of",
]
