"""Check what each version of the schema does to tables that stand under traffic.

Every version is taken up and down on a PostgreSQL that is started for it (or that ``DATABASE_URL`` names), and what it
really sends is judged, statement by statement. Fails where a rule is broken that no exception is on record for, and
where an exception is on record that nothing needs any more.
"""

import asyncio
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url

from tools.migration_rules import ADVICE, Finding, Linter, Version
from user_cli.embedded import embedded_servers
from usercore.adapters.sql.migrating import VERSION_TABLE, downgrade, upgrade
from usercore.adapters.sql.versions import VERSIONS, Chain, SchemaVersion

_OURS: Final = ("SELECT", "SET ")
"""What only looks, and the limits that each version runs under."""
_DATABASE: Final = "migrations_lint"

RELEASED: Final[Mapping[tuple[str, str], str]] = {
    ("0004", "unbounded-update"): "released; the outbox keeps days, and nothing read it before this version",
    ("0004", "set-not-null"): "released; in the same transaction as the update above",
    ("0004", "index-not-concurrently"): "released; an index over a table that this version has just rewritten",
    ("0006", "set-not-null"): "released; the chain is begun in the same transaction, before anybody may append to it",
    ("0007", "index-not-concurrently"): "released; deliveries are kept for days, and the indexes are partial",
    ("0012", "index-not-concurrently"): "released; partial, over a column that is NULL in every row there is",
    ("0018", "rename"): "the outbox becomes a part of what takes its name in the same transaction: nobody misses it",
    ("0022", "rename"): "as 0018: history becomes a part of what takes its name",
    ("0023", "rename"): "as 0018: the audit trail becomes a part of what takes its name",
    ("0013", "index-not-concurrently"): "released; on a trail of millions it keeps writers waiting: docs/migrations.md",
}
"""For a version and a rule, why it may break it."""


def main() -> int:
    """Check all versions."""
    versions = asyncio.run(_observed_somewhere())
    findings, unused = judged(versions, RELEASED)
    for finding in findings:
        print(finding)
    for revision, rule in unused:
        print(f"{revision} {rule}: an exception is on record that nothing needs")
    print(f"{len(versions)} versions, {len(ADVICE)} rules, {len(RELEASED)} exceptions on record")
    return 1 if findings or unused else 0


def judged(
    versions: Sequence[Version], exceptions: Mapping[tuple[str, str], str]
) -> tuple[list[Finding], Collection[tuple[str, str]]]:
    """Return what is wrong with versions, and the exceptions that nothing needs."""
    linter = Linter()
    found: list[Finding] = []
    for version in versions:
        found += linter.lint(version)
    needed = {(one.revision, one.rule) for one in found}
    return [one for one in found if (one.revision, one.rule) not in exceptions], sorted(exceptions.keys() - needed)


async def observed(url: str, folder: Path = VERSIONS) -> list[Version]:
    """Take an empty database through all versions of a folder, up and down, and return what each did."""
    chain = Chain.read(folder)
    ups = {}
    for one in chain.versions:
        with _recording(url) as ups[one.revision]:
            await upgrade(url, one.revision, folder=folder)
    downs = {}
    for one in reversed(chain.versions):
        with _recording(url) as downs[one.revision]:
            await downgrade(url, chain.before(one.revision), folder=folder)
    return [_version(folder, one, ups[one.revision], downs[one.revision]) for one in chain.versions]


def _version(folder: Path, one: SchemaVersion, up: Sequence[str], down: Sequence[str]) -> Version:
    [path] = folder.glob(f"{one.revision}_*.py")
    phase = one.phase.value if hasattr(_loaded(path), "phase") else None
    return Version(one.revision, phase, one.transactional, up, down)


def _loaded(path: Path) -> Any:  # noqa: ANN401 -- a module
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _recording(url: str) -> Iterator[list[str]]:
    """Give a list that gets every statement that changes something in a database."""
    heard: list[str] = []
    name = make_url(url).database

    def hear(connection: Any, _cursor: object, statement: str, *_: object) -> None:  # noqa: ANN401 -- SQLAlchemy's own
        mine = connection.engine.url.database == name
        if mine and not statement.lstrip().startswith(_OURS) and VERSION_TABLE not in statement:
            heard.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


async def _observed_somewhere() -> list[Version]:
    given = os.environ.get("DATABASE_URL") or None
    async with embedded_servers(None, database_url=given, redis_url="not-started:", durable=False) as servers:
        name = sql.Identifier(f"{_DATABASE}_{os.getpid()}")
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
            try:
                url = make_url(servers.database_url).set(database=f"{_DATABASE}_{os.getpid()}")
                return await observed(url.render_as_string(hide_password=False))
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


if __name__ == "__main__":
    sys.exit(main())
