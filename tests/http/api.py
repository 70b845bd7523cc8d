"""The API over a core in memory, and a client of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from attrs import define, frozen
from litestar.types import ASGIApp

from tests.builders import a_context
from tests.http.tokens import bearer, key_file
from user_http.app import build_app
from user_http.auth.sources import KeySource
from user_http.controllers.health import Readiness
from user_http.edge import Lifecycle
from usercore.adapters.attributes import JsonSchemaValidator
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.secret import Secret
from usercore.kernel.tracing import Tracer
from usercore.observe.metrics import Metrics
from usercore.settings.serving import AuthSettings, HttpSettings, ServingSettings
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

JSON = {"content-type": "application/json"}


@frozen
class QuickHasher:
    """Hashes at once: Argon2 has tests of its own."""

    async def hash(self, password: Secret) -> Secret:
        return Secret(f"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ${len(password)}")


@frozen
class State:
    """How the parts stand."""

    ready: bool = True
    parts: Mapping[str, str] = {"database": "ok", "cache": "off"}


async def always_ready() -> Readiness:
    return State()


def a_core(**overrides: Any) -> Core:
    """Give a core in memory with everything installed."""
    parts: dict[str, Any] = {
        "emails": ValidatedEmailRules(),
        "validator": JsonSchemaValidator(),
        "hasher": QuickHasher(),
    }
    return memory_core(**(parts | overrides))


def database_of(core: Core) -> MemoryDatabase:
    """Give the tables behind a core in memory."""
    database: MemoryDatabase = core.ports.history.database  # type: ignore[attr-defined]
    return database


def settings_in(folder: Path, **http: Any) -> ServingSettings:
    """Give settings whose key file lies in a folder."""
    return ServingSettings(HttpSettings(**http), AuthSettings(key_file=key_file(folder)))


@define
class Api:
    """One API and everything around it."""

    core: Core
    app: ASGIApp
    client: httpx.AsyncClient
    metrics: Metrics
    lifecycle: Lifecycle

    @property
    def database(self) -> MemoryDatabase:
        return database_of(self.core)

    async def create(self, **fields: Any) -> dict[str, Any]:
        """Create a user whom nobody else is, and give the profile."""
        body = {"email": f"{uuid4().hex}@example.com", "firstName": "Grace", "lastName": "Hopper"} | fields
        response = await self.client.post("/v1/users", json=body)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def enrol(self) -> str:
        """Create a user whom nobody else is past HTTP, which is quicker, and give the id."""
        patch = ProfilePatch(email=f"{uuid4().hex}@example.com", first_name="Grace", last_name="Hopper")
        return (await self.core.create_user(CreateUserCommand(patch), a_context())).id

    def footprint(self) -> tuple[int, ...]:
        """Give the number of rows in every table: what a refused request must not change."""
        tables = self.database
        steps = sum(map(len, tables.history.values()))
        said = sum(map(len, tables.preferences.values()))
        return (len(tables.users), steps, len(tables.outbox), len(tables.deliveries), len(tables.keys), said)


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    core: Core | None = None,
    readiness: Callable[[], Awaitable[Readiness]] = always_ready,
    keys: KeySource | None = None,
    tracer: Tracer | None = None,
    **http: Any,
) -> AsyncIterator[Api]:
    """Serve a core and give a client with a token that may read and write users."""
    metrics, lifecycle, core = Metrics(), Lifecycle(), core or a_core()
    settings = settings_in(folder, **http)
    app = build_app(core, settings, metrics, readiness=readiness, lifecycle=lifecycle, keys=keys, tracer=tracer)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://users", headers=bearer()) as client:
        yield Api(core, app, client, metrics, lifecycle)
