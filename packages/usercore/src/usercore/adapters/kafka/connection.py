"""How every client of ours speaks to the brokers."""

import ssl
from typing import Any, Final

from usercore.settings import KafkaSettings, SecurityProtocol

_CLIENT_ID: Final = "user-service"
_WITH_SASL: Final = frozenset({SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL})
_WITH_TLS: Final = frozenset({SecurityProtocol.SSL, SecurityProtocol.SASL_SSL})


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the keyword arguments that every client of aiokafka takes.

    Args:
        settings: where the brokers are, and who we are to them.

    Raises:
        OSError: a file of certificates cannot be read.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap),
        "client_id": _CLIENT_ID,
        "request_timeout_ms": round(settings.request_timeout_s * 1000),
        "security_protocol": settings.security.upper(),
        "ssl_context": _tls(settings) if settings.security in _WITH_TLS else None,
    }
    if settings.security in _WITH_SASL:
        options["sasl_mechanism"] = settings.sasl_mechanism.upper()
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password and settings.sasl_password.reveal()
    return options


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    """Return a context that checks the brokers' certificates and names, and shows ours where we have one."""
    context = ssl.create_default_context(cafile=settings.tls_ca_file)
    if settings.tls_certificate_file is not None:
        context.load_cert_chain(settings.tls_certificate_file, settings.tls_key_file)
    return context
