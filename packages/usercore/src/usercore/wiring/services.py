"""The three services around this one, each behind the adapter that the settings name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import frozen

from usercore.adapters.local import RecordingServices
from usercore.delivery.credentials import CredentialDirectory
from usercore.delivery.ports import AuditService, AuthenticationService, NotificationService
from usercore.kernel.secret import Secret
from usercore.settings import (
    AuditAdapter,
    AuthenticationAdapter,
    NotificationAdapter,
    Problem,
    ServicesSettings,
    SettingsError,
)
from usercore.wiring.mail import open_notifications

if TYPE_CHECKING:
    from usercore.adapters.http import ServiceClient

CONNECTIONS: Final = 16
"""To each service, where nothing else is said."""


@frozen
class Services:
    """Whom deliveries are told to.

    Args:
        authentication: keeps credentials.
        notification: writes to users.
        audit: keeps the company's audit trail.
        credentials: shows what the AuthenticationService knows.
    """

    authentication: AuthenticationService
    notification: NotificationService
    audit: AuditService
    credentials: CredentialDirectory


@frozen
class _Opening:
    """What every adapter is opened with."""

    settings: ServicesSettings
    local: RecordingServices
    stack: AsyncExitStack
    connections: int


@asynccontextmanager
async def open_services(
    settings: ServicesSettings, *, record_file: Path | None = None, connections: int = CONNECTIONS
) -> AsyncIterator[Services]:
    """Open an adapter for each service, and close them at the end. Nothing connects before it is used.

    Args:
        settings: which adapters, and where the services are.
        record_file: where those that are `local` record what they would be told.
        connections: to each service, at most.

    Raises:
        SettingsError: an adapter cannot be opened on these settings.
    """
    async with AsyncExitStack() as stack:
        opening = _Opening(settings, RecordingServices(record_file), stack, connections)
        authentication, credentials = await _authentication(opening)
        yield Services(authentication, await _notification(opening), await _audit(opening), credentials)


_Authentication: TypeAlias = tuple[AuthenticationService, CredentialDirectory]


async def _authentication(opening: _Opening) -> _Authentication:
    chosen, kratos = opening.settings.authentication, opening.settings.kratos
    match chosen.adapter:
        case AuthenticationAdapter.LOCAL:
            return opening.local, opening.local
        case AuthenticationAdapter.HTTP:
            from usercore.adapters.http import HttpAuthenticationService  # noqa: PLC0415 -- needs the extra `services`

            service = HttpAuthenticationService(await _client(opening, chosen.url, chosen.token, chosen.timeout_s))
            return service, service
        case AuthenticationAdapter.KRATOS:
            from usercore.adapters.http import KratosAuthenticationService  # noqa: PLC0415 -- the same

            client = await _client(opening, kratos.admin_url, kratos.token, chosen.timeout_s)
            identities = KratosAuthenticationService(client, kratos.schema_id)
            return identities, identities


async def _notification(opening: _Opening) -> NotificationService:
    chosen = opening.settings.notification
    match chosen.adapter:
        case NotificationAdapter.LOCAL:
            return opening.local
        case NotificationAdapter.HTTP:
            from usercore.adapters.http import HttpNotificationService  # noqa: PLC0415 -- the same

            return HttpNotificationService(await _client(opening, chosen.url, chosen.token, chosen.timeout_s))
        case NotificationAdapter.SMTP:
            return await opening.stack.enter_async_context(open_notifications(opening.settings.smtp))


async def _audit(opening: _Opening) -> AuditService:
    chosen = opening.settings.audit
    match chosen.adapter:
        case AuditAdapter.LOCAL:
            return opening.local
        case AuditAdapter.HTTP:
            from usercore.adapters.http import HttpAuditService  # noqa: PLC0415 -- the same

            return HttpAuditService(await _client(opening, chosen.url, chosen.token, chosen.timeout_s))
        case AuditAdapter.TOPIC:
            return await _audit_topic(opening)


async def _audit_topic(opening: _Opening) -> AuditService:
    from usercore.adapters.kafka.audit import KafkaAuditService  # noqa: PLC0415 -- needs the extra `kafka`
    from usercore.adapters.kafka.producer import open_producer  # noqa: PLC0415 -- the same
    from usercore.adapters.kafka.topics import KafkaTopics  # noqa: PLC0415 -- the same

    kafka, topics, name = opening.settings.kafka, opening.settings.topics, opening.settings.audit.topic
    if kafka is None or topics is None:
        raise SettingsError(problems=(Problem("KAFKA_BOOTSTRAP", "is needed and not set"),))
    producer = await opening.stack.enter_async_context(open_producer(kafka))
    return KafkaAuditService(producer, name, partial(KafkaTopics(kafka, topics).ensure, (name,)))


async def _client(opening: _Opening, url: str | None, token: Secret | None, timeout_s: float) -> "ServiceClient":
    from usercore.adapters.http import open_client  # noqa: PLC0415 -- needs the extra `services`

    if url is None:
        raise ValueError("the settings name no address, and should have refused that")
    opened = open_client(url, token, timeout_s, connections=opening.connections, ca_file=opening.settings.ca_file)
    return await opening.stack.enter_async_context(opened)
