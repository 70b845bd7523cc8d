"""Versions of the schema that make a table the first of its own parts, and one table of them again."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from alembic import op
from sqlalchemy import Connection, text

from usercore.adapters.sql.quarters import AHEAD, KEYS, after, attached, made, part_name, quarter

__all__ = ["one_table", "parted"]

_GRANTS: Final = text("""
SELECT privilege_type, CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = to_regclass(:name) AND grantee <> relowner
""")
_PUBLICATIONS: Final = text("""
SELECT quote_ident(p.pubname) FROM pg_publication AS p JOIN pg_publication_rel AS r ON r.prpubid = p.oid
WHERE r.prrelid = to_regclass(:name)
""")
_BOUND: Final = text("""
SELECT substring(pg_get_constraintdef(oid) FROM '''([^'']+)''')::timestamptz FROM pg_constraint
WHERE conrelid = to_regclass(:name) AND conname = :check
""")


def parted(table: str, *, own: Mapping[str, str], guards: tuple[str, ...] = ()) -> None:
    """Make a table the first part of what takes its name: the catalogue alone changes.

    Args:
        table: which.
        own: its indexes besides the primary key, by name: what follows ``ON``.
        guards: triggers on its rows, which go over to the new table; `rows` there stands for it.
    """
    connection = op.get_bind()
    first = f"{table}_first"
    # From here on nobody else sees the table until the end.
    op.execute(f"ALTER TABLE {table} RENAME TO {first}")
    op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{first}")
    for name in own:
        op.execute(f"ALTER INDEX {name} RENAME TO {name}_first")
    op.execute(f"CREATE TABLE {table} (LIKE {first}) PARTITION BY RANGE (occurred_at)")
    for name, definition in own.items():
        op.execute(f"CREATE INDEX {name} ON {table} {definition}")
    for guard in guards:
        op.execute(guard)
    bound = connection.execute(_BOUND, {"name": first, "check": f"ck_{first}"}).scalar()
    high = after(quarter(datetime.now(UTC))) if bound is None else bound.astimezone(UTC)
    op.execute(attached(table, first, None, high))
    op.execute(f"ALTER TABLE {first} DROP CONSTRAINT IF EXISTS ck_{first}")
    for low in (after(high, count) for count in range(AHEAD)):
        name = part_name(table, low)
        for statement in (*made(table, name), attached(table, name, low, after(low))):
            op.execute(statement)
    # The net below: what no part is ready for is kept all the same.
    for statement in (*made(table, f"{table}_rest"), f"ALTER TABLE {table} ATTACH PARTITION {table}_rest DEFAULT"):
        op.execute(statement)
    for statement in _as_before(connection, table, first):
        op.execute(statement)


def one_table(table: str, *, own: Mapping[str, str]) -> None:
    """Make one table of the parts again, which keeps everybody from it meanwhile."""
    connection = op.get_bind()
    old = f"{table}_parted"
    op.execute(f"ALTER TABLE {table} RENAME TO {old}")
    op.execute(f"CREATE TABLE {table} (LIKE {old}, CONSTRAINT pk_{table} PRIMARY KEY ({KEYS[table]}))")
    op.execute(f"INSERT INTO {table} SELECT * FROM {old}")  # noqa: S608 -- names of our own tables
    for statement in _as_before(connection, table, old):
        op.execute(statement)
    op.execute(f"DROP TABLE {old}")
    for name, definition in own.items():
        op.execute(f"CREATE INDEX {name} ON {table} {definition}")


def _as_before(connection: Connection, table: str, old: str) -> Iterator[str]:
    """Yield what gives the new table the rights and the publications of the old one."""
    for privilege, grantee in connection.execute(_GRANTS, {"name": old}).all():
        yield f"GRANT {privilege} ON {table} TO {grantee}"
    for (publication,) in connection.execute(_PUBLICATIONS, {"name": old}).all():
        yield f"ALTER PUBLICATION {publication} DROP TABLE {old}"
        yield f"ALTER PUBLICATION {publication} ADD TABLE {table}"
        yield f"ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)"
