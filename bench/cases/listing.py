"""Pages of users, and searches."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.cases.sides import loading_always
from bench.database import FilledDatabase
from bench.floors.pgbench import Pgbench
from bench.lab import Lab, Running
from bench.load import LoadPlan
from bench.load.plan import ID
from bench.measure import By, Case, CaseFailedError, Goal, Measure, Sides
from bench.rows import SURNAME, id_of, quoted
from usercore import Sort, UserId
from usercore.adapters.sql.documents import DOCUMENT_COLUMNS
from usercore.users.queries import Position, write_cursor

_FIRST_CREATED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DEEP_PAGE: Final = 10_000
_PAGE: Final = 50
_FILTERED: Final = f"/v1/users?limit={_PAGE}&status=ACTIVE&createdAfter=2026-01-01T00:00:10Z"
_SURNAMES: Final = tuple(f"{number:04d}" for number in range(1_000))


def _columns() -> str:
    """Return the columns of a ready profile, without colons that pgbench would take for variables."""
    return re.sub(r"'([^']*)'", lambda found: quoted(found[1]), DOCUMENT_COLUMNS)


_LIST_SQL: Final = (
    f"SELECT {_columns()} FROM users AS u WHERE u.state = 'ACTIVE' AND u.created_at > "  # noqa: S608 -- constants
    f"{quoted('2026-01-01 00:00:10+00')}::timestamptz ORDER BY u.created_at DESC, u.id DESC LIMIT {_PAGE + 1};\n"
)
_SEARCH_SQL: Final = (
    "\\set s random(0, 999)\n"
    f"SELECT {_columns()} FROM users AS u WHERE u.state IN ('ACTIVE', 'DEACTIVATED') AND u.search_words @@ "
    f"({quoted(SURNAME[:-4].lower())} || lpad((:s::int)::text, 4, '0') || {quoted(':*')})::tsquery "
    f"ORDER BY u.created_at DESC, u.id DESC LIMIT {_PAGE + 1};\n"
)


def pages(_: Lab, service: Running, __: FilledDatabase) -> Measure:
    """Return what measures the first page of a list with two filters over HTTP."""
    return loading_always(LoadPlan(service.port, service.request("GET", _FILTERED)))


def _alone(service: Running, path: str, ids: tuple[str, ...] = ("",)) -> Measure:
    return loading_always(LoadPlan(service.port, service.request("GET", path), ids=ids, connections=1))


@asynccontextmanager
async def _list(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    floor = Pgbench(lab.programs / "pgbench", database.url, _LIST_SQL, clients=1)
    async with lab.service(database, cached=True) as service:
        yield Sides(_alone(service, _FILTERED), floor.run)


@asynccontextmanager
async def _search(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    floor = Pgbench(lab.programs / "pgbench", database.url, _SEARCH_SQL, clients=1)
    path = f"/v1/users?limit={_PAGE}&q={SURNAME[:-4].lower()}{ID}"
    async with lab.service(database, cached=True) as service:
        yield Sides(_alone(service, path, _SURNAMES), floor.run)


@asynccontextmanager
async def _deep(lab: Lab) -> AsyncIterator[Sides]:
    database = await lab.database(lab.users)
    path = f"{_FILTERED}&cursor={_deep_cursor(database.users)}"
    async with lab.service(database, cached=True) as service:
        if id_of(_deep_number(database.users) - 1).encode() not in await service.get(path):
            raise CaseFailedError("the cursor does not lead to the page that it was made for")
        yield Sides(_alone(service, path), _alone(service, _FILTERED))


def _deep_number(users: int) -> int:
    """Return the number of the last user before the page: the newest come first."""
    return max(users - _DEEP_PAGE * _PAGE, users // 10) + 1


def _deep_cursor(users: int) -> str:
    number = _deep_number(users)
    created_at = _FIRST_CREATED + timedelta(seconds=number)
    return write_cursor(Sort.CREATED_DOWN, Position(created_at, UserId(id_of(number))))


LISTING = (
    Case(
        "list",
        "page of 50 users by keyset with two filters, over HTTP, one connection, p50",
        "pgbench -M prepared, one client: the same rows as the same ready profiles",
        By.MEDIAN,
        Goal(at_most=3),
        _list,
    ),
    Case(
        "search",
        "the 50 newest of the users (1 in 1,000) whose surname begins with a word, over HTTP, one connection, p50",
        "pgbench -M prepared, one client: the same rows as the same ready profiles",
        By.MEDIAN,
        Goal(at_most=3),
        _search,
    ),
    Case(
        "list-deep",
        "page 10,000 of the list (or behind 9 of 10 users where there are fewer), over HTTP, one connection, p50",
        "page 1 of the list",
        By.MEDIAN,
        Goal(at_most=1.2),
        _deep,
    ),
)
