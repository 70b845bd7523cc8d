"""The three services and Kratos on loopback, and a clock that the test moves."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.builders import SetClock
from tests.services.fakes import TOKEN, FakeAudit, FakeAuthentication, FakeKratos, FakeNotification
from usercore.kernel.secret import Secret
from usercore.settings import ServicesSettings
from usercore.settings.services import (
    AuditAdapter,
    AuditSettings,
    AuthenticationAdapter,
    AuthenticationSettings,
    KratosSettings,
    NotificationAdapter,
    NotificationSettings,
)
from usercore.wiring.services import Services, open_services


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def authentication() -> Iterator[FakeAuthentication]:
    fake = FakeAuthentication()
    fake.web.start()
    yield fake
    fake.web.stop()


@pytest.fixture
def notification() -> Iterator[FakeNotification]:
    fake = FakeNotification()
    fake.web.start()
    yield fake
    fake.web.stop()


@pytest.fixture
def audit() -> Iterator[FakeAudit]:
    fake = FakeAudit()
    fake.web.start()
    yield fake
    fake.web.stop()


@pytest.fixture
def kratos() -> Iterator[FakeKratos]:
    fake = FakeKratos()
    fake.web.start()
    yield fake
    fake.web.stop()


@pytest.fixture
async def services(
    authentication: FakeAuthentication, notification: FakeNotification, audit: FakeAudit
) -> AsyncIterator[Services]:
    token = Secret(TOKEN)
    settings = ServicesSettings(
        authentication=AuthenticationSettings(AuthenticationAdapter.HTTP, authentication.web.url, token, 2.0),
        notification=NotificationSettings(NotificationAdapter.HTTP, notification.web.url + "/", token, 2.0),
        audit=AuditSettings(AuditAdapter.HTTP, audit.web.url, token, 2.0),
    )
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
async def with_kratos(kratos: FakeKratos) -> AsyncIterator[Services]:
    settings = ServicesSettings(
        authentication=AuthenticationSettings(AuthenticationAdapter.KRATOS, timeout_s=2.0),
        kratos=KratosSettings(kratos.web.url, Secret(TOKEN)),
    )
    async with open_services(settings) as opened:
        yield opened
