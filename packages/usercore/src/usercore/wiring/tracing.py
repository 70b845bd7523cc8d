"""Where traces begin: what the settings name, and deliveries, which go on with the trace of what caused them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usercore.delivery.ports import AuditService, AuthenticationService, NotificationService
from usercore.delivery.values import Delivery
from usercore.kernel.tracing import NOTHING, During, SpanKind, Tracer
from usercore.settings import Problem, SettingsError, TraceSettings
from usercore.wiring.services import Services


@asynccontextmanager
async def open_tracing(settings: TraceSettings) -> AsyncIterator[Tracer | None]:
    """Give a tracer where the settings name a collector, and send what it recorded at the end.

    Raises:
        SettingsError: a collector is named, and the extra `traces` is not installed.
    """
    if settings.endpoint is None:
        yield None
        return
    try:
        from usercore.adapters.otel import open_tracer  # noqa: PLC0415 -- needs the extra `traces`
    except ImportError:
        detail = "needs the extra `traces`: pip install 'usercore[traces]'"
        raise SettingsError(problems=(Problem("USER_SERVICE_TRACES_ENDPOINT", detail),)) from None
    async with open_tracer(settings) as tracer:
        yield tracer


def traced_services(services: Services, tracer: Tracer | None) -> Services:
    """Return services that are told within the trace of what caused the telling; the same ones without a tracer."""
    if tracer is None:
        return services
    return evolve(
        services,
        authentication=_TracedAuthentication(services.authentication, tracer),
        notification=_TracedNotification(services.notification, tracer),
        audit=_TracedAudit(services.audit, tracer),
    )


def _telling(tracer: Tracer, delivery: Delivery) -> During:
    if delivery.traceparent is None:
        return NOTHING
    words = {
        "user_service.delivery.recipient": delivery.recipient.value,
        "user_service.delivery.operation": delivery.operation.value,
        "user_service.delivery.attempt": delivery.attempts + 1,
    }
    name = f"deliver to {delivery.recipient.value.lower()}"
    return During(tracer.begin(name, SpanKind.INTERNAL, parent=delivery.traceparent, ours=True, words=words))


@frozen
class _TracedAuthentication:
    inner: AuthenticationService
    tracer: Tracer

    async def credential(self, delivery: Delivery) -> None:
        with _telling(self.tracer, delivery):
            await self.inner.credential(delivery)


@frozen
class _TracedNotification:
    inner: NotificationService
    tracer: Tracer

    async def notify(self, delivery: Delivery) -> None:
        with _telling(self.tracer, delivery):
            await self.inner.notify(delivery)


@frozen
class _TracedAudit:
    inner: AuditService
    tracer: Tracer

    async def record(self, delivery: Delivery) -> None:
        with _telling(self.tracer, delivery):
            await self.inner.record(delivery)


if TYPE_CHECKING:

    def _conform(
        authentication: _TracedAuthentication, notification: _TracedNotification, audit: _TracedAudit
    ) -> tuple[AuthenticationService, NotificationService, AuditService]:
        return authentication, notification, audit
