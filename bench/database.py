"""Databases with many users, filled with exactly the rows that the service itself writes for one."""

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from attrs import field, frozen
from psycopg.sql import SQL, Identifier

from bench.rows import NUMBER, SURNAME, Writer, snapshot, written
from usercore import Actor, ActorKind, AddressPatch, CommandContext, CreateUserCommand, ProfilePatch, UpdateUserCommand
from usercore.adapters.sql.migrating import upgrade
from usercore.settings import CoreSettings, load
from usercore.wiring.service import open_core

MASTER_KEYS: Final = "1:" + base64.b64encode(secrets.token_bytes(32)).decode()
"""The master key of every service that is measured."""

USERS: Final = "users"
FILLED_TABLES = (USERS, "user_history", "audit_entries", "audit_heads", "outbox")
"""What each user has rows in. Deliveries are not filled in: acknowledged ones leave no work behind. Nor are keys: a
user's first change makes one."""

CREATED_AT = "(timestamptz '2026-01-01 00:00:00+00' + {n} * interval '1 second')"
"""When the user of number `n` was created: a second after the one before."""

FIELDS: Final = {
    "firstName": "Ada",
    "lastName": SURNAME,
    "email": f"u{NUMBER}@example.com",
    "phoneNumber": "+441632960961",
    "locale": "en-GB",
    "timeZone": "Europe/London",
}
ADDRESS: Final = {
    "street": "12 St James's Square",
    "city": "London",
    "state": "Greater London",
    "postalCode": "SW1Y 4JH",
    "country": "United Kingdom",
}


def new_user(number: str) -> str:
    """Return the body of a request that creates a user like all the others.

    Args:
        number: 12 digits that no user has, or the word that the load generator puts them for.
    """
    body = json.dumps(FIELDS | {"address": ADDRESS}, separators=(",", ":"))
    return body.replace(NUMBER, number)


@frozen
class FilledDatabase:
    """A database with users numbered from 1.

    Args:
        url: where it is.
        users: how many there are.
        create: writes the rows that a creation writes.
        update: writes the rows that a change of the first name writes.
    """

    url: str = field(repr=False)
    users: int
    create: Writer = field(repr=False)
    update: Writer = field(repr=False)

    async def versions(self, ids: list[str]) -> tuple[int, ...]:
        """Return the version that each of the users is at."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            cursor = await connection.execute(
                "SELECT u.version FROM unnest(%s::uuid[]) WITH ORDINALITY AS w (id, place) JOIN users AS u USING (id)"
                " ORDER BY w.place",
                (ids,),
            )
            return tuple(version for (version,) in await cursor.fetchall())

    async def drop(self) -> None:
        """Drop it, with whatever is still connected."""
        name = urlsplit(self.url).path.lstrip("/")
        async with await psycopg.AsyncConnection.connect(
            database_beside(self.url, "postgres"), autocommit=True
        ) as connection:
            await connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


_GUARDS: Final = """
SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'
"""
"""Triggers that fire even where others are told to keep still: those of tables that are only added to."""
_ALTER: Final = SQL("ALTER TABLE {} {} TRIGGER {}")


async def fill(server_url: str, users: int, tables: Sequence[str] = FILLED_TABLES) -> FilledDatabase:
    """Make a database on the server, migrate it, and fill it.

    Args:
        server_url: of the server.
        users: how many.
        tables: what each is to have rows in, of :data:`FILLED_TABLES`.
    """
    name = f"bench_{users}_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        await connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    url = database_beside(server_url, name)
    await upgrade(url)
    create, update = await _learn(url)
    await _bulk_load(url, users, create, tables)
    return FilledDatabase(url, users, create, update)


def database_beside(url: str, name: str) -> str:
    """Name another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _learn(url: str) -> tuple[Writer, Writer]:
    """Create a user and change the first name, look at what that wrote, and take all of it away."""
    context = CommandContext(Actor(ActorKind.OPERATOR, "bench"), correlation_id="bench", causation_id="bench")
    settings = load(CoreSettings, {"DATABASE_URL": url, "USER_SERVICE_MASTER_KEYS": MASTER_KEYS})
    async with (
        open_core(settings) as service,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        # The service's own key is made once, by whoever needs it first, and is no part of a user.
        await service.core.ports.keyed.digest("bench", "")
        empty = await snapshot(connection)
        user = await service.core.create_user(CreateUserCommand(_template()), context)
        created = await snapshot(connection)
        create = Writer(written(empty, created), user.id, await _changed_at(connection), "1")
        change = UpdateUserCommand(user.id, ProfilePatch(first_name=f"Ada{NUMBER}"), expected_version=1)
        await service.core.update_user(change, context)
        updated = await snapshot(connection)
        update = Writer(written(created, updated), user.id, await _changed_at(connection), "2")
        await _empty(connection, [table.name for table in updated if updated[table]])
    return create, update


async def _empty(connection: psycopg.AsyncConnection, tables: Sequence[str]) -> None:
    """Empty tables, also those that are only added to and refuse it; their triggers stand as before afterwards."""
    guards = await (await connection.execute(_GUARDS)).fetchall()
    async with connection.transaction():
        for table, trigger in guards:
            await connection.execute(_ALTER.format(Identifier(table), SQL("DISABLE"), Identifier(trigger)))
        names = SQL(", ").join(map(Identifier, tables))
        await connection.execute(SQL("TRUNCATE {} CASCADE").format(names))
        for table, trigger in guards:
            await connection.execute(_ALTER.format(Identifier(table), SQL("ENABLE ALWAYS"), Identifier(trigger)))


def _template() -> ProfilePatch:
    return ProfilePatch(
        email=FIELDS["email"],
        first_name=FIELDS["firstName"],
        last_name=FIELDS["lastName"],
        phone_number=FIELDS["phoneNumber"],
        locale=FIELDS["locale"],
        time_zone=FIELDS["timeZone"],
        address=AddressPatch(
            street=ADDRESS["street"],
            city=ADDRESS["city"],
            state=ADDRESS["state"],
            postal_code=ADDRESS["postalCode"],
            country=ADDRESS["country"],
        ),
    )


async def _changed_at(connection: psycopg.AsyncConnection) -> str:
    cursor = await connection.execute("SELECT updated_at::text FROM users")
    [(at,)] = await cursor.fetchall()
    return str(at)


async def _bulk_load(url: str, users: int, create: Writer, tables: Sequence[str]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("SET synchronous_commit = off")
        for statement in create.from_series(1, users, CREATED_AT.format(n="n"), tables):
            await connection.execute(statement.encode())
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
