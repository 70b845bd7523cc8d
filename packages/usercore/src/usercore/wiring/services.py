"""The three services around this one, each behind the adapter that the settings name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from attrs import frozen

from usercore.adapters.local import RecordingServices
from usercore.delivery.ports import AuditService, AuthenticationService, NotificationService
from usercore.settings import (
    AuditAdapter,
    AuthenticationAdapter,
    NotificationAdapter,
    Problem,
    ServicesSettings,
    SettingsError,
)
from usercore.settings.services import AUDIT, AUTHENTICATION, NOTIFICATION
from usercore.wiring.mail import open_notifications


@frozen
class Services:
    """Whom deliveries are told to.

    Args:
        authentication: keeps credentials.
        notification: writes to users.
        audit: keeps the company's audit trail.
    """

    authentication: AuthenticationService
    notification: NotificationService
    audit: AuditService


@asynccontextmanager
async def open_services(settings: ServicesSettings, *, record_file: Path | None = None) -> AsyncIterator[Services]:
    """Open an adapter for each service, and close them at the end. Nothing connects before it is used.

    Args:
        settings: which adapters, and where the services are.
        record_file: where those that are `local` record what they would be told.

    Raises:
        SettingsError: an adapter cannot be opened on these settings.
    """
    local = RecordingServices(record_file)
    async with AsyncExitStack() as stack:
        yield Services(
            authentication=await _authentication(settings, local, stack),
            notification=await _notification(settings, local, stack),
            audit=await _audit(settings, local, stack),
        )


async def _authentication(
    settings: ServicesSettings,
    local: RecordingServices,
    stack: AsyncExitStack,  # noqa: ARG001 -- keeps clients open, where there are any
) -> AuthenticationService:
    match settings.authentication.adapter:
        case AuthenticationAdapter.LOCAL:
            return local
        case AuthenticationAdapter.HTTP | AuthenticationAdapter.KRATOS:
            raise _not_yet(AUTHENTICATION)


async def _notification(
    settings: ServicesSettings,
    local: RecordingServices,
    stack: AsyncExitStack,
) -> NotificationService:
    match settings.notification.adapter:
        case NotificationAdapter.LOCAL:
            return local
        case NotificationAdapter.SMTP:
            return await stack.enter_async_context(open_notifications(settings.smtp))
        case NotificationAdapter.HTTP:
            raise _not_yet(NOTIFICATION)


async def _audit(
    settings: ServicesSettings,
    local: RecordingServices,
    stack: AsyncExitStack,  # noqa: ARG001 -- the same
) -> AuditService:
    match settings.audit.adapter:
        case AuditAdapter.LOCAL:
            return local
        case AuditAdapter.HTTP | AuditAdapter.TOPIC:
            raise _not_yet(AUDIT)


def _not_yet(variable: str) -> SettingsError:
    return SettingsError(problems=(Problem(variable, "names an adapter that this release does not have"),))
