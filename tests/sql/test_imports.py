"""Rows that an import copies are those that single changes write, and whoever races it makes it lose or double none."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from attrs import asdict, evolve

from tests.builders import IDS, NOW, SetClock, a_context, a_profile
from tests.databases import fresh_database
from tests.keys import MASTER_KEYS
from tests.strategies import NASTY
from usercore.adapters.sql import open_database, sql_ports
from usercore.adapters.sql.tables import metadata
from usercore.bulk.imports.creations import Creation
from usercore.bulk.imports.errors import ImportMovedError
from usercore.bulk.imports.ports import Settled
from usercore.bulk.imports.start_import import StartImportCommand
from usercore.bulk.imports.values import (
    ImportMode,
    ImportOptions,
    ImportRow,
    ImportState,
    Progress,
    Tally,
)
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.errors import UserCoreError
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import Profile
from usercore.users.ports import Lookup, LookupKind
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import Address
from usercore.wiring.core import Core, Ports, assemble
from usercore.wiring.memory import memory_ports

DRAWN = {
    "sealed",  # with a key and a nonce of its own
    "sealed_key",
    "contents_hash",  # of what is sealed
    "hash",  # of that
    "root_hash",
}
IMPORTS = {"imports", "import_errors"}
FULL = Profile(
    username="ada\\lovelace",
    email=a_profile("Ada@example.com").email,
    first_name=NASTY[1],
    last_name=NASTY[7],
    phone_number="+4930123",
    address=Address(street=NASTY[0], city="\\N", country="DE"),
    locale="en-GB",
    time_zone="Europe/London",
    birth_date=date(1815, 12, 10),
    attributes={"small": 1e-05, "text": "tab\tline\nend\\", "nested": {"list": [None, True, 1.5]}},
    external_id='"crm", \\1',
)


@asynccontextmanager
async def ports_on(url: str) -> AsyncIterator[Ports]:
    async with open_database(DatabaseSettings(url=Secret(url))) as database:
        yield evolve(memory_ports(), **asdict(sql_ports(database, MASTER_KEYS), recurse=False))


async def everything(url: str) -> Mapping[str, Sequence[Any]]:
    """Give every row of every table, without what is drawn at random."""
    found: dict[str, Sequence[Any]] = {}
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for table in sorted(metadata.tables.keys() - IMPORTS):
            rows = await (await connection.execute(f"SELECT to_jsonb(t) FROM {table} AS t".encode())).fetchall()
            kept = [_without(row, DRAWN) for (row,) in rows]
            if kept:
                found[table] = sorted(kept, key=lambda row: json.dumps(_without(row, {"id", "seq"}), sort_keys=True))
    return found


def whole_settled(progress: Progress) -> Any:
    def settle(outcomes: Sequence[UserCoreError | None]) -> Settled:
        assert list(outcomes) == [None] * len(outcomes)
        return Settled(progress, (), NOW)

    return settle


async def test_copied_rows_are_those_that_single_changes_write(postgres_url: str, migrated_database_url: str) -> None:
    profiles = [FULL, *(a_profile(first_name=text, last_name=text[:50]) for text in NASTY)]
    context = evolve(a_context(actor=Actor(ActorKind.OPERATOR, 'ada\\n"Å')), traceparent="00-ab-cd-01")
    new = [
        Creation(IDS.user_id(), IDS.event_id(), one, NOW, context, Secret("$2b$12$\\x") if place % 2 else None)
        for place, one in enumerate(profiles)
    ]
    changes = [one.change for one in new]
    template = urlsplit(migrated_database_url).path.removeprefix("/")
    with fresh_database(postgres_url, template) as one, fresh_database(postgres_url, template) as two:
        async with ports_on(one) as ports:
            assert list(await ports.writer.commit(changes)) == [None] * len(changes)
        async with ports_on(two) as ports:
            core = assemble(evolve(ports, clock=SetClock()))
            begun = await core.start_import(StartImportCommand(ImportOptions()), a_context())
            before = await everything(two)
            loaded = ports.import_writer.load(new, quiet=False)
            await ports.import_writer.commit(begun, loaded, whole_settled(Progress(1, 2)))
            opened = [await ports.history.entries(one.user_id, below_version=None, limit=1) for one in new]
        expected, copied = await everything(one), await everything(two)

    assert [entry.changes for [entry] in opened] == [one.changes for one in changes]
    assert "user_keys" in expected
    for table, rows in expected.items():
        ours, theirs = ([row for row in each if row not in before.get(table, ())] for each in (copied[table], rows))
        unlike = {"outbox": {"id"}, "deliveries": {"seq"}}.get(table, set())
        assert [_without(row, unlike) for row in ours] == [_without(row, unlike) for row in theirs], table


def _without(row: Mapping[str, Any], names: set[str]) -> Mapping[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.fixture
async def core(migrated_database_url: str) -> AsyncIterator[Core]:
    async with ports_on(migrated_database_url) as ports:
        yield assemble(evolve(ports, clock=SetClock()))


def rows_of(first: int, last: int, **fields: Any) -> list[ImportRow]:
    return [
        ImportRow(
            place,
            place,
            place + 1,
            ProfilePatch(email=f"u{place}@example.com", first_name="Ada", last_name="L", **fields),
        )
        for place in range(first, last)
    ]


async def batches(rows: Sequence[ImportRow], size: int) -> AsyncIterator[Sequence[ImportRow]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


async def test_of_two_who_go_on_with_one_import_one_stops_and_no_row_comes_twice(core: Core) -> None:
    begun = await core.start_import(StartImportCommand(ImportOptions()), a_context())
    rows = rows_of(1, 101)

    both = [core.run_import(begun, batches(rows, size), a_context(), report=lambda _: None) for size in (10, 7)]
    ended = await asyncio.gather(*both, return_exceptions=True)

    assert any(isinstance(one, ImportMovedError) for one in ended)
    left = await core.read_imports(begun.id)
    done = await core.run_import(left, batches(rows[left.progress.end :], 50), a_context(), report=lambda _: None)
    assert done.progress == Progress(100, 101, Tally(created=100))


async def test_rows_whose_users_others_make_and_change_meanwhile_are_judged_again(core: Core) -> None:
    """Others create and change the very users that the rows are about, while batches are made ready and committed."""
    begun = await core.start_import(StartImportCommand(ImportOptions(mode=ImportMode.UPSERT)), a_context())
    rows = rows_of(1, 61, locale="de")

    async def meddle(number: int) -> None:
        email = f"u{number}@example.com"
        patch = ProfilePatch(email=email, first_name="Zoë", last_name="M", phone_number="+4930123")
        try:
            await core.create_user(CreateUserCommand(patch), a_context())
        except UserCoreError:
            user = await core.ports.users.find(Lookup(LookupKind.EMAIL, email))
            assert user is not None
            await core.update_user(UpdateUserCommand(user.id, ProfilePatch(phone_number="+4930123")), a_context())

    meddling = asyncio.gather(*(meddle(number) for number in range(1, 61)))
    done = await core.run_import(begun, batches(rows, 20), a_context(), report=lambda _: None)
    await meddling

    assert done.progress.tally.rows == 60
    assert done.progress.tally.failed == 0
    found = await core.ports.users.find_many(LookupKind.EMAIL, [f"u{number}@example.com" for number in range(1, 61)])
    assert {(one.profile.locale, one.profile.phone_number) for one in found.values()} == {("de", "+4930123")}
    assert len(found) == 60
    ended = await core.end_import(done, ImportState.COMPLETED, a_context())
    assert ended.finished_at is not None
