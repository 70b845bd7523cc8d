"""The whole way on PostgreSQL: a hash comes out at the AuthenticationService, and is nowhere else."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest

from tests.builders import a_context
from tests.keys import MASTER_KEYS_SETTING
from tests.services.fakes import TOKEN, FakeAudit, FakeAuthentication, FakeNotification
from tests.services.server import Response
from usercore.delivery.values import Recipient
from usercore.kernel.secret import Secret
from usercore.observe.logs import configure_logs
from usercore.settings import CoreSettings, TelemetrySettings, load
from usercore.settings.sections import LogFormat, LogLevel
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.service import Service, open_core

PASSWORD = "Zq7-canary-of-the-plain-password"


@pytest.fixture
async def service(
    migrated_database_url: str,
    authentication: FakeAuthentication,
    notification: FakeNotification,
    audit: FakeAudit,
) -> AsyncIterator[Service]:
    environ = {
        "DATABASE_URL": migrated_database_url,
        "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
        "USER_SERVICE_DELIVERY_BREAKER_OPEN_S": "0.1",
    }
    for name, fake in (("AUTHENTICATION", authentication), ("NOTIFICATION", notification), ("AUDIT", audit)):
        environ |= {
            f"USER_SERVICE_{name}_ADAPTER": "http",
            f"USER_SERVICE_{name}_URL": fake.web.url,
            f"USER_SERVICE_{name}_TOKEN": TOKEN,
        }
    async with open_core(load(CoreSettings, environ)) as opened:
        yield opened


async def comes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - it is other tasks' state, which tells nobody
            await asyncio.sleep(0.05)


async def everything(url: str) -> str:
    """Give every row of every table as text."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts = []
        for (table,) in await found.fetchall():
            rows = await connection.execute(f'SELECT t::text FROM "{table}" AS t'.encode())
            texts += [row for (row,) in await rows.fetchall()]
    return "\n".join(texts)


async def test_a_hash_is_in_no_log_and_no_table_once_it_was_acknowledged(
    service: Service, migrated_database_url: str, authentication: FakeAuthentication
) -> None:
    log = io.StringIO()
    configure_logs(TelemetrySettings(LogLevel.DEBUG, LogFormat.JSON), log)
    # The service repeats what it was told in its answers, fails in several ways, and then does its work.
    authentication.web.scripted.extend([Response(500), None, Response(503), Response(408)])
    command = CreateUserCommand(
        ProfilePatch(email="canary@example.com", first_name="Canary", last_name="Bird"), Secret(PASSWORD)
    )
    user = await service.core.create_user(command, a_context())
    assert "$argon2id$" in await everything(migrated_database_url)

    upkeep = asyncio.create_task(service.maintenance.run(0.05))
    await comes_true(lambda: _settled(service))
    upkeep.cancel()
    await asyncio.wait([upkeep])

    assert authentication.credentials[user.id]["passwordHash"].startswith("$argon2id$")
    assert len([one for one in authentication.web.requests if one.method == "PUT"]) == 5
    kept = await everything(migrated_database_url)
    for text in (kept, log.getvalue(), service.metrics.scrape().decode()):
        assert PASSWORD not in text
        assert "$argon2" not in text
        assert TOKEN not in text
    assert "canary@example.com" not in log.getvalue()


async def _settled(service: Service) -> bool:
    return await service.core.ports.deliveries.waiting() == 0


async def test_how_deliveries_stand_is_measured(
    service: Service, authentication: FakeAuthentication, audit: FakeAudit
) -> None:
    authentication.web.stop()
    audit.web.scripted.extend([Response(422)])
    command = CreateUserCommand(ProfilePatch(email="a@example.com", first_name="A", last_name="B"))
    await service.core.create_user(command, a_context())
    await service.maintenance.once()
    await service.maintenance.once()

    text = service.metrics.scrape().decode()

    assert 'user_service_deliveries_waiting{recipient="AUTHENTICATION"} 1.0' in text
    assert 'user_service_deliveries_failed{recipient="AUDIT"} 1.0' in text
    assert 'user_service_delivery_attempts_total{outcome="refused",recipient="AUDIT"} 1.0' in text
    assert 'user_service_delivery_attempts_total{outcome="delivered",recipient="NOTIFICATION"}' in text
    assert f'user_service_deliveries_oldest_seconds{{recipient="{Recipient.NOTIFICATION}"}} 0.0' in text
