"""Lists and searches users, by keyset."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from usercore.adapters.sql.conditions import condition_sql
from usercore.adapters.sql.documents import DOCUMENT_COLUMNS, document_of
from usercore.adapters.sql.engine import Reads
from usercore.adapters.sql.mapping import is_canonical, is_storable, utc
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.ports import ProfileDocument, UserDirectory
from usercore.users.queries import Position, UserQuery, write_cursor
from usercore.users.values import AccountState

_NO_PAGE: Final[Page[ProfileDocument]] = Page(())


@frozen
class SqlUserDirectory:
    """Lists users. Each state's index gives its part of the page in order, and the parts are merged."""

    database: Reads

    async def page(self, query: UserQuery) -> Page[ProfileDocument]:
        """Return one page in the query's order."""
        names = (query.email, query.username, query.external_id)
        if not all(name is None or is_storable(name) for name in names):
            return _NO_PAGE
        if query.after is not None and not is_canonical(query.after.user_id):
            return _NO_PAGE
        if not query.visible_states:
            return _NO_PAGE
        statement = Statement(query)
        text = statement.text()
        rows = await self.database.fetch(text.encode(), *statement.parameters, prepare=False)
        return _page(query, [(Position(utc(row[-1]), UserId(row[0])), document_of(row[:-1])) for row in rows])


def _page(query: UserQuery, found: Sequence[tuple[Position, ProfileDocument]]) -> Page[ProfileDocument]:
    chosen = found[: query.limit]
    cursor = write_cursor(query.sort, chosen[-1][0], query.mark) if len(found) > len(chosen) else None
    return Page(tuple(document for _, document in chosen), cursor)


@define
class Statement:
    """One query as SQL, planned anew each time: the best plan depends on what is searched for."""

    query: UserQuery
    parameters: list[object] = field(factory=list)

    def text(self) -> str:
        """Return the SQL; its parameters stand in `parameters` then."""
        key = "created_at" if self.query.sort.by_creation else "updated_at"
        way = "DESC" if self.query.sort.descending else "ASC"
        end = f"ORDER BY u.{key} {way}, u.id {way} LIMIT {self._given(self.query.limit + 1)}"
        filters = "".join(f" AND {condition}" for condition in self._conditions(key))
        parts = " UNION ALL ".join(
            f"(SELECT u.* FROM users AS u WHERE u.state = {self._given(state.value)}{filters} {end})"  # noqa: S608
            for state in _in_order(self.query.visible_states)
        )
        return f"SELECT {DOCUMENT_COLUMNS}, u.{key} FROM ({parts}) AS u {end}"  # noqa: S608 -- values are parameters

    def _conditions(self, key: str) -> Iterator[str]:
        query = self.query
        names = {
            "email_canonical": query.email,
            "username_canonical": query.username,
            "external_id": query.external_id,
        }
        yield from (f"u.{name} = {self._given(value)}" for name, value in names.items() if value is not None)
        bounds = (
            ("created_at >", query.created_after),
            ("created_at <", query.created_before),
            ("updated_at >", query.updated_after),
            ("updated_at <", query.updated_before),
        )
        yield from (f"u.{bound} {self._given(at)}" for bound, at in bounds if at is not None)
        if query.words:
            yield f"u.search_words @@ {self._given(_tsquery(query.words))}::tsquery"
        if query.condition is not None:
            yield condition_sql(query.condition, self._given)
        if query.after is not None:
            beyond = "<" if query.sort.descending else ">"
            at, user_id = self._given(query.after.at), self._given(query.after.user_id)
            yield f"(u.{key}, u.id) {beyond} ({at}, {user_id}::uuid)"

    def _given(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"


def _in_order(states: frozenset[AccountState]) -> Sequence[AccountState]:
    return [state for state in AccountState if state in states]


def _tsquery(words: Sequence[str]) -> str:
    """Return what finds the beginnings of words; quoted, no parser of PostgreSQL's looks into them."""
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return " & ".join(f"'{word}':*" for word in quoted)


if TYPE_CHECKING:

    def _conforms(database: Reads) -> UserDirectory:
        return SqlUserDirectory(database)
