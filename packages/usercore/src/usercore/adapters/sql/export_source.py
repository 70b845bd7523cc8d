"""A selection as SQL."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen
from psycopg.sql import Literal

from usercore.adapters.sql.directory import Statement
from usercore.adapters.sql.export_columns import (
    PROFILE_LEAVES,
    ExportedTopic,
    Leaf,
    line_sql,
    topic_join,
    topic_leaves,
)
from usercore.adapters.sql.mapping import is_storable
from usercore.bulk.exports.fields import ACTIVITY, EMAIL_PREFERENCES
from usercore.bulk.exports.values import ExportFormat, Restricted, Selection
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState


@frozen
class Blocks:
    """Some blocks of the table, one behind the other.

    Args:
        first: the first of them.
        behind: the one behind the last; None where they go to the table's end.
    """

    first: int
    behind: int | None

    @property
    def sql(self) -> str:
        """What holds of a row of ``users AS u`` that lies in them; PostgreSQL reads no other blocks then."""
        begin = f"u.ctid >= '({self.first},0)'::tid"
        return begin if self.behind is None else f"{begin} AND u.ctid < '({self.behind},0)'::tid"


def parts_of(blocks: int, each: int) -> Sequence[Blocks]:
    """Return parts of a table of so many blocks, whose last one is open."""
    firsts = range(0, max(blocks, 1), each)
    return [Blocks(first, None if first == firsts[-1] else first + each) for first in firsts]


@frozen
class Source:
    """Which users an export takes, and what of them.

    Args:
        selection: what was asked for.
        topics: every registered topic, by name.
    """

    selection: Selection
    topics: Sequence[ExportedTopic]

    @property
    def is_csv(self) -> bool:
        """Whether lines are of CSV, else of JSON."""
        return self.selection.format is ExportFormat.CSV

    @property
    def asks_activity(self) -> bool:
        """Whether each line is to be given the summary of what its user did."""
        return ACTIVITY in self.selection.fields

    @property
    def leaves(self) -> Mapping[str, Leaf]:
        """The chosen leaves that a row has, in their order."""
        leaves: dict[str, Leaf] = {}
        for field in self.selection.fields:
            if field == EMAIL_PREFERENCES:
                leaves |= topic_leaves(self.topics)
            elif field != ACTIVITY:
                leaves[field] = PROFILE_LEAVES[field]
        return leaves

    @property
    def plan(self) -> bytes:
        """Asks how PostgreSQL would find the users, and how many there are by statistics.

        What each said of topics is left out: it is always looked up user by user.
        """
        return f"EXPLAIN (FORMAT JSON) SELECT u.* FROM users AS u WHERE {self._wanted()}".encode()  # noqa: S608 -- as below

    def statement(self, blocks: Blocks | None = None) -> bytes:
        """Return the COPY. Where it asks for activity, each line begins with the user's id.

        Args:
            blocks: which part of the table; all of it where left out.
        """
        form = "csv" if self.is_csv else "binary"
        return f"COPY ({self._rows(blocks)}) TO STDOUT (FORMAT {form})".encode()

    def _rows(self, blocks: Blocks | None = None) -> str:
        asks_topics = EMAIL_PREFERENCES in self.selection.fields
        if self.is_csv:
            cells = [leaf.cell(formulas=self.selection.formulas) for leaf in self.leaves.values()]
            chosen = ", ".join(["u.id", *cells] if self.asks_activity else cells)
        else:
            line = line_sql(self.leaves, (EMAIL_PREFERENCES,) if asks_topics else ())
            chosen = f"u.id || {line}" if self.asks_activity else line
        join = topic_join(self.topics) if asks_topics and self.topics else ""
        wanted = f"{self._wanted()} AND {blocks.sql}" if blocks else self._wanted()
        order = "ORDER BY u.id" if self.selection.in_order else ""
        return f"SELECT {chosen} FROM users AS u {join} WHERE {wanted} {order}"  # noqa: S608 -- literals, and names of ours

    def _wanted(self) -> str:
        return " AND ".join(_Inlined(evolve(self.selection.query, after=None)).wanted(self.selection.restricted))


class _Inlined(Statement):
    """The conditions of a list for a COPY, which takes no parameters: values stand in it as the driver quotes them."""

    def wanted(self, restricted: Restricted) -> Iterator[str]:
        """Yield what must hold of a row of ``users AS u``."""
        states = [state for state in AccountState if state in self.query.visible_states]
        if not states or not _can_be_found(self.query):
            yield "FALSE"
            return
        yield f"u.state IN ({', '.join(self._given(state.value) for state in states)})"
        yield f"u.state <> {self._given(AccountState.ERASED.value)}"
        if restricted is not Restricted.INCLUDE:
            yield "u.restricted" if restricted is Restricted.ONLY else "NOT u.restricted"
        yield from self._conditions("created_at")

    def _given(self, value: object) -> str:
        return Literal(value).as_string()


def _can_be_found(query: UserQuery) -> bool:
    return all(name is None or is_storable(name) for name in (query.email, query.username, query.external_id))
