"""Settings of the stream processor, read once from the environment."""

from collections.abc import Mapping

from attrs import frozen

__all__ = ["StreamSettings", "StreamSettingsError", "load_stream_settings"]

_MAX_PORT = 65_535


class StreamSettingsError(ValueError):
    """An environment variable holds something that cannot be used; the message names it."""


@frozen
class StreamSettings:
    """Where the stream processor finds Kafka.

    Args:
        brokers: ``host:port`` of the brokers to ask first, from ``KAFKA_BOOTSTRAP``.
    """

    brokers: tuple[str, ...]


def load_stream_settings(environ: Mapping[str, str]) -> StreamSettings:
    """Read the settings.

    Args:
        environ: the environment; ``KAFKA_BOOTSTRAP`` holds ``host:port`` pairs separated by commas.

    Raises:
        StreamSettingsError: when ``KAFKA_BOOTSTRAP`` is missing or not such a list.
    """
    text = environ.get("KAFKA_BOOTSTRAP", "")
    brokers = tuple(part.strip() for part in text.split(",") if part.strip())
    if not brokers:
        raise StreamSettingsError("KAFKA_BOOTSTRAP: name at least one broker as host:port")
    for broker in brokers:
        _check(broker)
    return StreamSettings(brokers)


def _check(broker: str) -> None:
    host, _, port = broker.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT):
        raise StreamSettingsError(f"KAFKA_BOOTSTRAP: {broker!r} is not host:port")
