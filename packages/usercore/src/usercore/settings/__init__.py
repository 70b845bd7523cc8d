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

__all__ = [
    "CacheSettings",
    "CoreSettings",
    "DatabaseSettings",
    "DeliverySettings",
    "PasswordSettings",
    "Problem",
    "Setting",
    "SettingsError",
    "TelemetrySettings",
    "load",
    "settings_of",
]
