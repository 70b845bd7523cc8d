"""Many users at one moment, out of memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from usercore.activity.summary import summarise, tally_of
from usercore.adapters.memory.conditions import MemoryConditions
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.users import is_listed
from usercore.bulk.exports.fields import ACTIVITY, ACTIVITY_LEAVES, EMAIL_PREFERENCES, PREFERENCE_LEAVES
from usercore.bulk.exports.ports import OpenExport, UserExporter
from usercore.bulk.exports.values import Chunk, ExportFormat, Restricted, Selection
from usercore.codec.activity import summary_object
from usercore.codec.exports import preferences_by_topic, render_cells, render_line
from usercore.codec.profile import profile_object
from usercore.preferences.values import effective
from usercore.users.model import User
from usercore.users.values import AccountState


@frozen
class MemoryUserExporter:
    """Writes users down when the export is opened: fit for thousands, not for millions."""

    database: MemoryDatabase

    @asynccontextmanager
    async def open(self, selection: Selection) -> AsyncIterator[OpenExport]:
        """Take all lines now: what changes later does not show."""
        users = sorted((user for user in self.database.users.values() if self._wanted(user, selection)), key=_by_id)
        columns = tuple(self._columns(selection))
        yield _OpenExport(columns, [self._line(user, selection, columns) for user in users])

    def _wanted(self, user: User, selection: Selection) -> bool:
        if user.status.state is AccountState.ERASED or not is_listed(
            selection.query, user, MemoryConditions(self.database)
        ):
            return False
        return {
            Restricted.EXCLUDE: not user.restricted,
            Restricted.INCLUDE: True,
            Restricted.ONLY: user.restricted,
        }[selection.restricted]

    def _columns(self, selection: Selection) -> Sequence[str]:
        topics = [f"{EMAIL_PREFERENCES}.{topic}.{leaf}" for topic in self._topics for leaf in PREFERENCE_LEAVES]
        extended: Mapping[str, Sequence[str]] = {EMAIL_PREFERENCES: topics, ACTIVITY: ACTIVITY_LEAVES}
        return [leaf for field in selection.fields for leaf in extended.get(field, (field,))]

    @property
    def _topics(self) -> Sequence[str]:
        return sorted(self.database.topics)

    def _line(self, user: User, selection: Selection, columns: Sequence[str]) -> bytes:
        document = self._document(user, selection)
        if selection.format is ExportFormat.CSV:
            return render_cells(document, columns, formulas=selection.formulas)
        return render_line(document, selection.fields)

    def _document(self, user: User, selection: Selection) -> Mapping[str, Any]:
        document = profile_object(user)
        if EMAIL_PREFERENCES in selection.fields:
            said = self.database.preferences.get(user.id, {})
            held = (effective(self.database.topics[name], said.get(name)) for name in self._topics)
            document[EMAIL_PREFERENCES] = preferences_by_topic(held)
        if ACTIVITY in selection.fields:
            facts = (entry.fact for entry in self.database.facts.values() if entry.user_id == user.id)
            document[ACTIVITY] = summary_object(summarise(tally_of(facts), selection.tiers))
        return document


def _by_id(user: User) -> str:
    return user.id


@frozen
class _OpenExport:
    columns: tuple[str, ...]
    lines: Sequence[bytes]

    @property
    def expected(self) -> int:
        return len(self.lines)

    async def chunks(self) -> AsyncIterator[Chunk]:
        for line in self.lines:
            yield Chunk(1, line)


if TYPE_CHECKING:
    _exporter: UserExporter = MemoryUserExporter(MemoryDatabase())
