"""The audit trail, newest first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from usercore.adapters.sql.engine import Reads, Row
from usercore.adapters.sql.mapping import is_canonical, is_storable, utc
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry, ChainedEntry
from usercore.audit.ports import AuditReader
from usercore.audit.query import AuditPosition, AuditQuery, write_cursor
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page

LOOKED_AT: Final = 10_000
"""Entries that a page looks at, at most: what is rare is found page by page, and no page takes long."""
_COLUMNS: Final = (
    "e.user_id::text, e.sequence, e.event_id::text, e.occurred_at, e.actor_kind, e.actor_id, e.action, e.fields, "
    "e.correlation_id, e.causation_id, e.version, e.contents_hash, e.hash"
)
_NOTHING: Final[Page[ChainedEntry]] = Page(())


@frozen
class SqlAuditReader:
    """Reads the trail."""

    database: Reads

    async def page(self, query: AuditQuery) -> Page[ChainedEntry]:
        """Return a page."""
        if query.user_id is not None and not is_canonical(query.user_id):
            return _NOTHING
        names = (query.action, None if query.actor is None else query.actor.id)
        if not all(name is None or is_storable(name) for name in names):
            return _NOTHING
        statement = _Statement.of(query)
        text = statement.text()
        rows = await self.database.fetch(text.encode(), *statement.parameters, prepare=False)
        return _page(query, rows, statement.looked_at)


def _page(query: AuditQuery, rows: list[Row], looked_at: int) -> Page[ChainedEntry]:
    """Return the entries that were asked for, of those that were looked at; the flags before them tell which."""
    found = [row for row in rows if row[0]]
    if len(found) > query.limit:
        chosen = found[: query.limit]
        return Page(tuple(map(_entry, chosen)), _cursor(chosen[-1]))
    more = bool(rows) and rows[-1][1] == looked_at
    return Page(tuple(map(_entry, found)), _cursor(rows[-1]) if more else None)


def _cursor(row: Row) -> str:
    return write_cursor(AuditPosition(utc(row[5]), EventId(row[4])))


def _entry(row: Row) -> ChainedEntry:
    user_id, sequence, event_id, at, actor_kind, actor_id, action, fields, *rest = row[2:]
    correlation_id, causation_id, version, contents_hash, link = rest
    entry = AuditEntry(
        user_id=UserId(user_id),
        event_id=EventId(event_id),
        at=utc(at),
        actor=Actor(ActorKind(actor_kind), actor_id),
        action=action,
        fields=tuple(fields),
        correlation_id=correlation_id,
        causation_id=causation_id,
        version=version,
        contents_hash=contents_hash,
    )
    return ChainedEntry(entry, sequence, link)


@define
class _Statement:
    """One query as SQL: an index gives the entries in order, and what else is asked for is looked for among them."""

    query: AuditQuery
    looked_at: int
    parameters: list[object] = field(factory=list)

    @classmethod
    def of(cls, query: AuditQuery) -> "_Statement":
        """Return the statement, which looks at no more entries than it must."""
        chosen_by_index = query.action is None and (query.actor is None or _is_operator(query))
        return cls(query, query.limit + 1 if chosen_by_index else LOOKED_AT)

    def text(self) -> str:
        """Return the SQL; its parameters stand in `parameters` then.

        Of the entries that are looked at come those that were asked for, and the last one, which tells how far.
        """
        end = f"ORDER BY occurred_at DESC, event_id DESC LIMIT {self.looked_at}"
        parts = " UNION ALL ".join(f"SELECT * FROM ({part} {end}) AS part" for part in self._parts())  # noqa: S608
        wanted = " AND ".join(["true", *self._wanted()])
        limit = self._given(self.query.limit + 1)
        return f"""
            WITH looked_at AS MATERIALIZED (
                SELECT *, row_number() OVER (ORDER BY occurred_at DESC, event_id DESC) AS place, {wanted} AS is_wanted
                FROM ({parts} {end}) AS e
            ), chosen AS (
                SELECT * FROM looked_at WHERE is_wanted ORDER BY place LIMIT {limit}
            )
            SELECT e.is_wanted, e.place, {_COLUMNS} FROM chosen AS e
            UNION ALL
            SELECT e.is_wanted, e.place, {_COLUMNS} FROM looked_at AS e
            WHERE e.place = {self.looked_at} AND NOT e.is_wanted
            ORDER BY place
        """  # noqa: S608 -- values are parameters

    def _parts(self) -> Iterator[str]:
        """Yield for each index that is of use what reads from it."""
        bounds = "".join(f" AND {bound}" for bound in self._bounds())
        for condition in self._conditions():
            yield f"SELECT * FROM audit_entries WHERE {condition}{bounds}"  # noqa: S608

    def _conditions(self) -> Iterator[str]:
        query = self.query
        if query.user_id is None:
            if query.actor is not None and _is_operator(query):
                yield f"actor_kind = 'OPERATOR' AND actor_id = {self._given(query.actor.id)}"
            else:
                yield "true"
            return
        user = self._given(query.user_id)
        yield f"user_id = {user}::uuid"
        if query.user_id != SERVICE_CHAIN:
            shown = f"ARRAY(SELECT event_id FROM audit_listed WHERE user_id = {user}::uuid)"  # noqa: S608
            yield f"user_id = '{SERVICE_CHAIN}' AND event_id = ANY ({shown})"

    def _bounds(self) -> Iterator[str]:
        if self.query.since is not None:
            yield f"occurred_at >= {self._given(self.query.since)}"
        if self.query.until is not None:
            yield f"occurred_at < {self._given(self.query.until)}"
        if self.query.after is not None:
            at, event_id = self._given(self.query.after.at), self._given(self.query.after.event_id)
            yield f"(occurred_at, event_id) < ({at}, {event_id}::uuid)"

    def _wanted(self) -> Iterator[str]:
        actor = self.query.actor
        if actor is not None:
            yield f"e.actor_kind = {self._given(actor.kind.value)} AND e.actor_id = {self._given(actor.id)}"
        if self.query.action is not None:
            yield f"e.action = {self._given(self.query.action)}"

    def _given(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"


def _is_operator(query: AuditQuery) -> bool:
    """Return whether the index of operators gives all that is asked for."""
    return query.user_id is None and query.actor is not None and query.actor.kind is ActorKind.OPERATOR


if TYPE_CHECKING:

    def _conforms(database: Reads) -> AuditReader:
        return SqlAuditReader(database)
