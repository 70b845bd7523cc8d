"""What a request costs with many users, against a hundredth of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bench.cases.listing import pages
from bench.cases.sides import loading_always, some_ids
from bench.cases.writing import patches
from bench.database import FilledDatabase
from bench.lab import Lab, Running
from bench.load import LoadPlan
from bench.load.plan import ID
from bench.measure import By, Case, Goal, Measure, Sides

_SPREAD = 20_000
_Side = Callable[[Lab, Running, FilledDatabase], Measure]


def _reads(_: Lab, service: Running, database: FilledDatabase) -> Measure:
    ids = some_ids(_SPREAD, 1, database.users)
    return loading_always(LoadPlan(service.port, service.request("GET", f"/v1/users/{ID}"), ids=ids))


def _both(side: _Side) -> Callable[[Lab], AbstractAsyncContextManager[Sides]]:
    @asynccontextmanager
    async def sides(lab: Lab) -> AsyncIterator[Sides]:
        many, few = await lab.database(lab.users), await lab.database(lab.few)
        async with lab.service(many, cached=False) as large, lab.service(few, cached=False) as small:
            yield Sides(side(lab, large, many), side(lab, small, few))

    return sides


def _case(what: str, title: str, side: _Side) -> Case:
    floor = "the same with a hundredth of the users"
    return Case(f"growth-{what}", title, floor, By.COST, Goal(at_most=1.2), _both(side))


GROWING = (
    _case("read", "cost of a read by id without a cache, over HTTP, 64 connections", _reads),
    _case("patch", "cost of a change of the first name over HTTP, 64 connections", patches),
    _case("list", "cost of a page of 50 users with two filters over HTTP, 64 connections", pages),
)
