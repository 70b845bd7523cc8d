"""Import some rows: all of them with what they bring, and how far the import has come, or nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from usercore.bulk.imports.creations import Creation, is_new
from usercore.bulk.imports.drafting import Draft, Fate, Judge, row_errors, tally_of
from usercore.bulk.imports.ports import ImportWriter, Loaded, Settled
from usercore.bulk.imports.values import Import, ImportMode, ImportRow, RowError
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ports import Clock, IdGenerator
from usercore.users.attribute_rules import AttributeRules
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    StaleVersionError,
    UserErasedError,
    UserNotFoundError,
    WriteContendedError,
)
from usercore.users.model import User
from usercore.users.ports import Beginnings, Change, EmailRules, LookupKind, UserReader

TRIES: Final = 50
"""How often a single row is tried against other writers."""

_MOVED: Final = (StaleVersionError, UserNotFoundError, UserErasedError)
"""Refusals of a change whose user another writer has changed meanwhile."""
_KEY_TAKEN: Final[Mapping[LookupKind, type[UserCoreError]]] = {
    LookupKind.EMAIL: EmailTakenError,
    LookupKind.EXTERNAL_ID: ExternalIdTakenError,
}


@frozen
class Prepared:
    """Rows, judged and made ready to be written.

    Args:
        rows: one at least.
        drafts: what each comes to.
        loaded: the changes among them.
    """

    rows: Sequence[ImportRow] = field(repr=False)
    drafts: Sequence[Draft] = field(repr=False)
    loaded: Loaded = field(repr=False)


@frozen
class ImportBatch:
    """Imports rows of a file. What is wrong with one is told of that one; the others are imported.

    :meth:`prepare` and :meth:`commit` are its two halves: the next rows can be made ready while the last ones are
    committed.
    """

    writer: ImportWriter
    users: UserReader
    emails: EmailRules
    attributes: AttributeRules
    beginnings: Beginnings
    clock: Clock
    ids: IdGenerator

    async def __call__(self, begun: Import, rows: Sequence[ImportRow], context: CommandContext) -> Settled:
        """Return what some rows came to.

        Args:
            begun: the import as it stands.
            rows: those behind its progress, one at least.
            context: who imports, because of what.

        Raises:
            ImportMovedError, ImportEndedError: the import is not as `begun` says any more.
            UnavailableError: the database does not answer. Whether the rows are imported is then unknown: the import
                itself tells.
        """
        return await self.commit(begun, await self.prepare(begun, rows, context), context)

    async def prepare(self, begun: Import, rows: Sequence[ImportRow], context: CommandContext) -> Prepared:
        """Judge rows and make their changes ready; nothing is written."""
        judge = Judge(
            begun.options, self.emails, self.attributes, await self.attributes.schemas.current(), self.ids, context
        )
        existing = await self._existing(judge, rows)
        drafts = await asyncio.to_thread(judge.drafts, rows, existing, self.clock.now())
        if begun.options.invite:
            drafts = [await self._with_beginnings(draft) for draft in drafts]
        changes = [draft.change for draft in drafts if draft.change is not None]
        loaded = await asyncio.to_thread(self.writer.load, changes, quiet=begun.options.quiet)
        return Prepared(rows, drafts, loaded)

    async def _existing(self, judge: Judge, rows: Sequence[ImportRow]) -> Mapping[str, User]:
        if judge.options.mode is ImportMode.INSERT:
            return {}
        keys = {key for row in rows if (key := judge.key_of(row)) is not None}
        return await self.users.find_many(judge.options.by.lookup, sorted(keys)) if keys else {}

    async def _with_beginnings(self, draft: Draft) -> Draft:
        if draft.fate is not Fate.CREATED or not isinstance(draft.change, Change):
            return draft
        records = await self.beginnings.records(draft.change.user)
        return evolve(draft, change=evolve(draft.change, records=records))

    async def commit(self, begun: Import, prepared: Prepared, context: CommandContext) -> Settled:
        """Commit what was made ready; where other writers got in the way, make it ready again in smaller parts."""
        settled = await self._attempt(begun, prepared)
        if settled is not None:
            return settled
        rows = prepared.rows
        if len(rows) == 1:
            return await self._insist(begun, rows, context)
        half = len(rows) // 2
        first = await self(begun, rows[:half], context)
        second = await self(begun.moved(first.progress, first.at), rows[half:], context)
        return evolve(second, errors=(*first.errors, *second.errors))

    async def _insist(self, begun: Import, rows: Sequence[ImportRow], context: CommandContext) -> Settled:
        for _ in range(TRIES):
            settled = await self._attempt(begun, await self.prepare(begun, rows, context))
            if settled is not None:
                return settled
        [row] = rows
        lost = Draft(row, Fate.FAILED, refusal=WriteContendedError())
        settled = await self._attempt(begun, Prepared(rows, [lost], self.writer.load([], quiet=False)))
        if settled is None:  # pragma: no cover -- nothing stands in the way of nothing
            raise WriteContendedError
        return settled

    async def _attempt(self, begun: Import, prepared: Prepared) -> Settled | None:
        def settle(outcomes: Sequence[UserCoreError | None]) -> Settled | None:
            return self.settled(begun, prepared, outcomes)

        return await self.writer.commit(begun, prepared.loaded, settle)

    def settled(self, begun: Import, prepared: Prepared, outcomes: Sequence[UserCoreError | None]) -> Settled | None:
        """Return what rows came to, or None where one has to be judged anew.

        Args:
            begun: the import before them.
            prepared: the rows.
            outcomes: for each change None, or why it was refused.
        """
        refusals = _by_draft(prepared.drafts, outcomes)
        fates: list[Fate] = []
        errors: list[RowError] = []
        for draft, refusal in zip(prepared.drafts, refusals, strict=True):
            if draft.rests_on is not None and refusals[draft.rests_on] is not None:
                return None
            if refusal is not None and self._must_look_again(begun, draft.change, refusal):
                return None
            reason = refusal or draft.refusal
            fates.append(draft.fate if reason is None else Fate.FAILED)
            if reason is not None:
                errors += row_errors(draft.row.line, reason)
        progress = begun.progress.behind(prepared.rows[-1], tally_of(fates))
        return Settled(progress, tuple(errors), self.clock.now())

    def _must_look_again(self, begun: Import, change: Change | Creation | None, refusal: UserCoreError) -> bool:
        """Return whether a change was refused because of what another writer did since its row was judged."""
        if begun.options.mode is ImportMode.INSERT or change is None:
            return False
        return isinstance(refusal, _KEY_TAKEN[begun.options.by.lookup] if is_new(change) else _MOVED)


def _by_draft(drafts: Sequence[Draft], outcomes: Sequence[UserCoreError | None]) -> Sequence[UserCoreError | None]:
    rest = iter(outcomes)
    return [None if draft.change is None else next(rest) for draft in drafts]
