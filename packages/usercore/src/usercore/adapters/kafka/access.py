"""Why the brokers did not let us in. aiokafka says of each failure only that it could not connect."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from usercore.adapters.kafka.connection import client_options
from usercore.messaging.errors import BrokerDeniedError
from usercore.settings import KafkaSettings

_HUNG_UP: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_REFUSED: Final = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)


async def connect(start: Callable[[], Awaitable[None]], settings: KafkaSettings) -> None:
    """Start a client, and say so where it is not let in.

    Raises:
        BrokerDeniedError: a broker answers, and refuses us.
        KafkaConnectionError: none answers.
    """
    try:
        await start()
    except KafkaConnectionError:
        await check_access(settings)
        raise


async def check_access(settings: KafkaSettings) -> None:
    """Ask the brokers to let us in, after a client could not connect.

    A broker that does not answer says nothing about our right to speak to it.

    Args:
        settings: where the brokers are, and who we are to them.

    Raises:
        BrokerDeniedError: a broker answers, and refuses us or our certificate, or shows one that we do not trust.
    """
    options = client_options(settings)
    for broker in options.pop("bootstrap_servers"):
        host, _, port = broker.rpartition(":")
        with suppress(KafkaError, TimeoutError, OSError):
            try:
                connection = await create_conn(host.strip("[]"), int(port), **options)
            except _REFUSED as error:
                raise BrokerDeniedError(f"the brokers do not let us in: {type(error).__name__}") from error
            except ssl.SSLCertVerificationError as error:
                detail = f"the certificate of {broker} is not one that we trust: {error.verify_message}"
                raise BrokerDeniedError(detail) from error
            except KafkaConnectionError as error:
                why = error.__cause__
                if isinstance(why, ssl.SSLError) and not isinstance(why, _HUNG_UP):
                    raise BrokerDeniedError(f"the brokers do not accept our certificate: {why.reason}") from error
                raise
            connection.close()
            return
