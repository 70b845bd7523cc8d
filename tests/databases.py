"""Databases made for one test and dropped after it."""

import atexit
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_KEPT: Final[dict[str, psycopg.Connection]] = {}
"""One connection to each server: to make another for each database would take as long as to make the database."""


def database_of(server_url: str, name: str) -> str:
    """Name another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@contextmanager
def fresh_database(server_url: str, template: str = "template0") -> Iterator[str]:
    """Make a database, give its URL, and drop it with whatever is still connected.

    Args:
        server_url: any database of a server where we may make others; it is not touched.
        template: what to copy; ``template0`` is empty.
    """
    name = f"test_{uuid.uuid4().hex}"
    new, base = sql.Identifier(name), sql.Identifier(template)
    _execute(server_url, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, base))
    try:
        yield database_of(server_url, name)
    finally:
        _execute(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(new))


def _execute(server_url: str, statement: sql.Composed) -> None:
    kept = _KEPT.get(server_url)
    if kept is None or kept.closed:
        _KEPT[server_url] = kept = psycopg.connect(server_url, autocommit=True)
    kept.execute(statement)


@atexit.register
def _close() -> None:
    for kept in _KEPT.values():
        kept.close()
