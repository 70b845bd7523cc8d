"""Creating and changing users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.cases.sides import loading, some_ids
from bench.database import FilledDatabase, new_user
from bench.floors.pgbench import Pgbench
from bench.lab import Lab, Running
from bench.load import LoadPlan
from bench.load.plan import ID, NUMBER, VERSION
from bench.measure import By, Case, Goal, Measure, Sample, Sides
from bench.rows import Spot

_CLIENTS = 16
_CHANGED = 4_000
"""Users that are changed again and again: enough that two changes of one user never meet."""
_PER_CLIENT = 10_000_000


def creates(lab: Lab, service: Running) -> Measure:
    """Return what measures creations over HTTP, without a password."""
    headers = {"Content-Type": "application/json"}
    template = service.request("POST", "/v1/users", new_user(NUMBER), headers)

    async def plan() -> LoadPlan:
        return LoadPlan(service.port, template, status=201, first_number=lab.numbers())

    return loading(plan)


def patches(lab: Lab, service: Running, database: FilledDatabase) -> Measure:
    """Return what measures changes of the first name over HTTP, each with the version it expects."""
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": f'"{VERSION}"'}
    template = service.request("PATCH", f"/v1/users/{ID}", f'{{"firstName":"Ada{NUMBER}"}}', headers)
    ids = some_ids(_CHANGED, database.users // 2 + 1, database.users)

    async def plan() -> LoadPlan:
        versions = await database.versions(list(ids))
        return LoadPlan(service.port, template, ids=ids, versions=versions, first_number=lab.numbers())

    return loading(plan)


def _create_floor(lab: Lab, database: FilledDatabase) -> Measure:
    spot = Spot(":n::bigint", "now()", "1", step=":n::bigint")
    script = _transaction(f"\\set n :first + :client_id * {_PER_CLIENT} + :i", database.create.statements(spot))

    async def measured(seconds: float) -> Sample:
        variables = {"i": 0, "first": lab.numbers()}
        floor = Pgbench(lab.programs / "pgbench", database.url, script, _CLIENTS, variables)
        return await floor.run(seconds)

    return measured


def _patch_floor(lab: Lab, database: FilledDatabase) -> Measure:
    spot = Spot(":n::bigint", "now()", ":v::bigint", step=":v::bigint")
    share = min(_CHANGED, database.users // 2) // _CLIENTS
    picked = f"\\set n 1 + :client_id + {_CLIENTS} * (:i % {share})\n\\set v :first + :client_id * {_PER_CLIENT} + :i"
    script = _transaction(picked, database.update.statements(spot))

    async def measured(seconds: float) -> Sample:
        variables = {"i": 0, "first": lab.numbers()}
        floor = Pgbench(lab.programs / "pgbench", database.url, script, _CLIENTS, variables)
        return await floor.run(seconds)

    return measured


def _transaction(picked: str, statements: list[str]) -> str:
    lines = ["\\set i :i + 1", picked, "BEGIN;", *(f"{one};" for one in statements), "END;"]
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def _create(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    async with lab.service(database, cached=True) as service:
        yield Sides(creates(lab, service), _create_floor(lab, database))


@asynccontextmanager
async def _patch(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    async with lab.service(database, cached=True) as service:
        yield Sides(patches(lab, service, database), _patch_floor(lab, database))


WRITING = (
    Case(
        "create",
        "create over HTTP without a password, 64 connections",
        "pgbench -M prepared, 16 clients: the same rows of all tables as one plain transaction, synchronous_commit on",
        By.RATE,
        Goal(at_least=1.5),
        _create,
    ),
    Case(
        "patch",
        "change the first name over HTTP with If-Match, 64 connections",
        "pgbench -M prepared, 16 clients: the same rows of all tables as one plain transaction, nothing read before",
        By.RATE,
        Goal(at_least=1.0),
        _patch,
    ),
)
