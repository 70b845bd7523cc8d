"""Changes, committed: many in one statement, or alone where something stands in the way."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import psycopg
from attrs import define, evolve, frozen
from psycopg.errors import UniqueViolation

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.erasing import erase
from usercore.adapters.sql.errors import collided, refusal_of
from usercore.adapters.sql.keys import SqlVault, UserKey
from usercore.adapters.sql.ledger import settle
from usercore.adapters.sql.mapping import is_canonical
from usercore.adapters.sql.merging import carry_over, make_way, obstacle_to
from usercore.adapters.sql.rows import change_rows, delivery_rows, record_rows
from usercore.adapters.sql.statements import CREATE, UPDATE, WHY_TAKEN
from usercore.kernel.errors import ExhaustedError, InvalidError, UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.inbox import AlreadyAppliedError
from usercore.kernel.receipts import ClaimLostError, Settled
from usercore.merging.events import MergeRecord, UndoRecord
from usercore.privacy.requests.events import ErasureRecord
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    StaleVersionError,
    UserExistsError,
    UsernameTakenError,
    UserNotFoundError,
    WriteContendedError,
)
from usercore.users.ports import Change, UserWriter

_TRIES: Final = 10
"""How often a change is tried whose obstacle was gone when it was looked for."""
_OURS: Final = ("pk_user_keys", "pk_audit_entries")
"""Keys of rows that another may have written since the keys and the chain's head were read, in whatever part."""
_TAKEN: Final = (AlreadyAppliedError, EmailTakenError, UsernameTakenError, ExternalIdTakenError, UserExistsError)


@define(eq=False)
class _RefusedError(Exception):
    """Rolls a transaction back. `reason` is None where it has still to be found out."""

    reason: UserCoreError | None


class _CollidedError(Exception):
    """Rolls a transaction back whose changes stand in each other's or somebody else's way."""


@frozen
class SqlUserWriter:
    """Commits changes."""

    database: Database
    vault: SqlVault

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others."""
        outcomes: dict[int, UserCoreError | None] = {}
        for group in _groups(changes):
            try:
                found = await self._commit_group([changes[index] for index in group])
            except ExhaustedError as error:
                if not outcomes:
                    raise
                detail = "some of the changes were committed before the database had too much to do"
                raise UnavailableError(detail) from error
            outcomes.update(zip(group, found, strict=True))
        return [outcomes[index] for index in range(len(changes))]

    async def _commit_group(self, group: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit changes of different users, all creations or none; what stands alone comes alone."""
        if len(group) == 1:
            return [await self._commit_one(group[0])]
        keys = await self._keys(group)
        try:
            outcomes = await self.database.write(partial(_apply, group, keys))
        except (_CollidedError, UnicodeEncodeError):
            half = len(group) // 2
            return [*await self._commit_group(group[:half]), *await self._commit_group(group[half:])]
        self.vault.stored({user_id: key for user_id, key in keys.items() if user_id not in outcomes})
        return [
            await self._explained(change, outcomes[change.user.id]) if change.user.id in outcomes else None
            for change in group
        ]

    async def _explained(self, change: Change, reason: UserCoreError | None) -> UserCoreError | None:
        return reason or await self._why_taken(change) or await self._commit_one(change)

    async def _commit_one(self, change: Change) -> UserCoreError | None:
        for _ in range(_TRIES):
            keys = await self._keys([change])
            try:
                await self.database.write(partial(_apply_one, change, keys))
            except _RefusedError as refusal:
                reason = refusal.reason or await self._why_taken(change)
                if reason is not None:
                    return reason
            except _CollidedError:
                continue
            except ClaimLostError as lost:
                return lost
            except (psycopg.DataError, UnicodeEncodeError):
                return InvalidError("some text cannot be stored: leave out NUL and lone surrogates")
            else:
                self._remember(change, keys)
                return None
        return WriteContendedError()

    def _remember(self, change: Change, keys: Mapping[UserId, UserKey]) -> None:
        erased = [step.user.id for step in change.steps if _erasures(step)]
        self.vault.stored({user_id: key for user_id, key in keys.items() if user_id not in erased})
        for user_id in erased:
            self.vault.forget(user_id)

    async def _keys(self, group: Sequence[Change]) -> Mapping[UserId, UserKey]:
        """Return the keys that seal what the changes leave behind. Another connection's work, so before any begins."""
        born = group[0].user.version == 1
        ids = dict.fromkeys(step.user.id for change in group for step in change.steps)
        return await self.vault.for_writing(list(ids), born=born)

    async def _why_taken(self, change: Change) -> UserCoreError | None:
        """Return what of a new user is in use, or that its message was applied; None where nothing stands any more."""
        user, receipt = change.user, change.context.receipt
        message = (receipt.message.topic, receipt.message.source, receipt.message.id) if receipt else (None,) * 3
        names = (user.profile.email.canonical, user.profile.canonical_username, user.profile.external_id, user.id)
        [found] = await self.database.fetch(WHY_TAKEN, *names, *message)
        return next((error() for error, taken in zip(_TAKEN, found, strict=True) if taken), None)


def _stands_alone(change: Change) -> bool:
    """Return whether a change has a transaction of its own."""
    return change.context.claim is not None or bool(change.along) or bool(_erasures(change)) or bool(_merges(change))


def _rounds(steps: Sequence[Change]) -> Iterable[Sequence[Change]]:
    """Part the steps of one transaction into those that can share a statement: the first of each user, and so on."""
    seen: Counter[UserId] = Counter()
    rounds: dict[int, list[Change]] = {}
    for step in steps:
        rounds.setdefault(seen[step.user.id], []).append(step)
        seen[step.user.id] += 1
    return rounds.values()


def _groups(changes: Sequence[Change]) -> Iterable[Sequence[int]]:
    """Part changes, by index, into those that can share a statement; those of one user keep their order."""
    seen: Counter[UserId] = Counter()
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, change in enumerate(changes):
        alone = index if _stands_alone(change) else -1
        round_of_user = seen[change.user.id]
        seen[change.user.id] += 1
        groups.setdefault((round_of_user, alone, change.user.version > 1), []).append(index)
    return [groups[key] for key in sorted(groups)]


async def _apply_one(change: Change, keys: Mapping[UserId, UserKey], opened: Session) -> None:
    """Settle the claim and apply the change with everything that goes along with it.

    Raises:
        _RefusedError: it cannot be applied; nothing of it may stay.
        ClaimLostError: another try took the claim over.
    """
    claim = change.context.claim
    if claim is not None:
        await settle(opened, claim, Settled(change.user.id, change.user.version))
    for merge in _merges(change):
        await make_way(opened, merge)
    for group in _rounds(change.steps):
        outcomes = await _apply(group, keys, opened, alone=True)
        keys = {user_id: evolve(key, wrapped=None) for user_id, key in keys.items()}  # stored by now
        if outcomes:
            raise _RefusedError(next(iter(outcomes.values())))
    for step in change.steps:
        for record in _erasures(step):
            await erase(opened, record, step.user.updated_at)
    for merge in _merges(change):
        if (obstacle := await obstacle_to(opened, merge)) is not None:
            raise _RefusedError(obstacle)
        await carry_over(opened, merge)


def _erasures(change: Change) -> Sequence[ErasureRecord]:
    return [record for record in change.records if isinstance(record, ErasureRecord)]


def _merges(change: Change) -> Sequence[MergeRecord | UndoRecord]:
    return [record for record in change.records if isinstance(record, MergeRecord | UndoRecord)]


async def _apply(
    group: Sequence[Change], keys: Mapping[UserId, UserKey], opened: Session, *, alone: bool = False
) -> Mapping[UserId, UserCoreError | None]:
    """Apply changes and return the users whose change was refused, with the reason where it is known."""
    known = [change for change in group if is_canonical(change.user.id)]
    parameters = (change_rows(known, keys), delivery_rows(known), record_rows(known))
    creates = group[0].user.version == 1
    try:
        rows = await fetch(opened, CREATE if creates else UPDATE, *parameters)
    except (psycopg.errors.UniqueViolation, psycopg.DataError) as error:
        if isinstance(error, UniqueViolation) and (error.diag.constraint_name or "").startswith(_OURS):
            raise _CollidedError from error
        if alone and isinstance(error, UniqueViolation):
            raise _RefusedError(refusal_of(error)) from error
        if alone:
            raise
        raise _CollidedError from error
    except psycopg.Error as error:
        if collided(error):
            raise _CollidedError from error
        raise
    if creates:
        return _not_created(group, {user_id for (user_id,) in rows})
    return _not_moved(group, {user_id: (version, moved) for user_id, version, moved in rows})


def _not_created(group: Sequence[Change], created: Collection[str]) -> Mapping[UserId, UserCoreError | None]:
    wrong = InvalidError("the id of a new user is a UUID in canonical form")
    lost = (change.user.id for change in group if change.user.id not in created)
    return {user_id: None if is_canonical(user_id) else wrong for user_id in lost}


def _not_moved(group: Sequence[Change], found: Mapping[str, tuple[int, bool]]) -> Mapping[UserId, UserCoreError | None]:
    refused: dict[UserId, UserCoreError | None] = {}
    for change in group:
        version, moved = found.get(change.user.id, (None, False))
        if not moved:
            refused[change.user.id] = UserNotFoundError() if version is None else StaleVersionError(current=version)
    return refused


if TYPE_CHECKING:

    def _conforms(database: Database, vault: SqlVault) -> UserWriter:
        return SqlUserWriter(database, vault)
