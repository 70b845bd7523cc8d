"""Reading one profile by id."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.cases.sides import loading_always, some_ids
from bench.floors.pgbench import Pgbench
from bench.lab import Lab, Running
from bench.load import LoadPlan, run_load
from bench.load.plan import ID
from bench.measure import By, Case, CaseFailedError, Goal, Sample, Sides
from bench.port_probe import probe
from bench.rows import id_sql

_HOT = 2_000
"""Users that are read again and again, as those who are signed in."""
_SPREAD = 20_000
_FRESH = 200_000
"""More than one sample reads."""
_CLIENTS = 16
"""Source: measured, pgbench does most with 16 clients on two cores."""

_COLUMNS = (
    "id, username, email, first_name, last_name, phone_number, address_street, address_city, address_state, "
    "address_postal_code, address_country, locale, time_zone, birth_date, attributes, external_id, state, "
    "status_since, status_reason, status_notes, status_until, status_actor_kind, status_actor_id, email_verified_at, "
    "phone_verified_at, identity_verified_at, restricted, version, created_at, updated_at"
)


def _reads(server: Running, ids: tuple[str, ...]) -> LoadPlan:
    return LoadPlan(server.port, server.request("GET", f"/v1/users/{ID}"), ids=ids)


@asynccontextmanager
async def _cached(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    ids = some_ids(_HOT, 1, database.users)
    async with (
        lab.service(database, cached=True) as service,
        lab.raw_asgi(await service.get(f"/v1/users/{ids[0]}")) as raw,
    ):
        await run_load(_reads(service, ids))
        yield Sides(loading_always(_reads(service, ids)), loading_always(_reads(raw, ids)))


@asynccontextmanager
async def _uncached(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    ids = some_ids(_SPREAD, 1, database.users)
    async with (
        lab.service(database, cached=False) as service,
        lab.raw_asgi(await service.get(f"/v1/users/{ids[0]}")) as raw,
    ):
        await run_load(_reads(service, ids))
        yield Sides(loading_always(_reads(service, ids)), loading_always(_reads(raw, ids)))


@asynccontextmanager
async def _missed(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    ids = some_ids(_FRESH, 1, database.users)
    async with (
        lab.service(database, cached=True) as service,
        lab.raw_asgi(await service.get(f"/v1/users/{ids[0]}")) as raw,
    ):
        reads = loading_always(_reads(service, ids))

        async def ours(seconds: float) -> Sample:
            await lab.forget(service)
            sample = await reads(seconds)
            if sample.count > len(ids):
                raise CaseFailedError("more was read than there are users: take more users, or less seconds")
            return sample

        yield Sides(ours, loading_always(_reads(raw, ids)))


@asynccontextmanager
async def _port(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    ids = some_ids(_SPREAD, 1, database.users)
    environ = lab.environ(database, cached=False)
    script = (
        f"\\set n random(1, {database.users})\nSELECT {_COLUMNS} FROM users WHERE id = {id_sql(':n::bigint')}::uuid;\n"
    )
    floor = Pgbench(lab.programs / "pgbench", database.url, script, _CLIENTS)

    async def ours(seconds: float) -> Sample:
        return await probe(environ, ids, seconds)

    yield Sides(ours, floor.run)


READING = (
    Case(
        "read-cached",
        "read by id, cached in Redis, over HTTP, 64 connections",
        "raw ASGI under uvicorn (uvloop, httptools), same request, same body, same connections",
        By.RATE,
        Goal(at_least=0.50, p99_ms=10),
        _cached,
    ),
    Case(
        "read-uncached",
        "read by id without a cache, over HTTP, 64 connections",
        "raw ASGI, as for read-cached",
        By.RATE,
        Goal(at_least=0.45),
        _uncached,
    ),
    Case(
        "read-missed",
        "read by id of users that nobody has read: ask Redis, read PostgreSQL, fill Redis; over HTTP, 64 connections",
        "raw ASGI, as for read-cached",
        By.RATE,
        None,
        _missed,
    ),
    Case(
        "read-port",
        "the port that gives ready profiles, without HTTP and cache, 64 callers",
        "pgbench -M prepared, 16 clients: SELECT of the profile's columns by primary key",
        By.RATE,
        Goal(at_least=1.5),
        _port,
    ),
)
