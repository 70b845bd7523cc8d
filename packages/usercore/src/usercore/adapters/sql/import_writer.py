"""Batches of an import: each with its errors and its progress in one transaction.

New users are copied straight into their table. Where one of them loses there, all are copied into a table of the
transaction's own and inserted from there, so that a row that loses is left out and harms no other. What belongs to
those that won is copied into its tables. Changes of users who exist go the way of every change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import psycopg
from attrs import define, field, frozen
from psycopg.errors import UniqueViolation

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.errors import TAKEN as CONSTRAINTS
from usercore.adapters.sql.errors import collided, refusal_of
from usercore.adapters.sql.import_rows import DEPENDENTS, USERS, LineMaker, NewUser, UnfitError, joined
from usercore.adapters.sql.import_statements import DROP, INSERT, STAGE, STAGED, TAKEN, copy_into
from usercore.adapters.sql.imports import locked, move
from usercore.adapters.sql.keys import SqlVault, UserKey
from usercore.adapters.sql.rows import change_rows, delivery_rows, record_rows
from usercore.adapters.sql.statements import CREATE, CREATE_QUIETLY, UPDATE, UPDATE_QUIETLY
from usercore.bulk.imports.creations import Creation, change_of, is_new, profile_of
from usercore.bulk.imports.ports import ImportWriter, Loaded, Settle, Settled
from usercore.bulk.imports.values import Import
from usercore.kernel.errors import InvalidError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    StaleVersionError,
    UsernameTakenError,
    UserNotFoundError,
)
from usercore.users.ports import Change, LookupKind, name_in
from usercore.users.values import EmailAddress, fold_ascii

_PATIENCE_S: Final = 60.0
"""How long a batch may wait between two statements: for this process alone, which has other work as well."""
_STAGED_AFTER_LOSS: Final = 16
"""Batches. Where one row of a batch lost, some of the next ones often do, and then all of it is copied in vain."""
_KINDS: Final[Mapping[LookupKind, type[UserCoreError]]] = {
    LookupKind.EMAIL: EmailTakenError,
    LookupKind.USERNAME: UsernameTakenError,
    LookupKind.EXTERNAL_ID: ExternalIdTakenError,
}
"""What may be taken, in the order of the columns of `TAKEN`."""

Outcomes = dict[int, UserCoreError]
"""For each change that was refused, by its place, why."""


class _AgainError(Exception):
    """Rolls a batch back that has to be made ready anew."""


@define(eq=False)
class Wave:
    """Changes that do not stand in each other's way, by their places.

    Args:
        new: creations that are copied.
        created: other creations.
        changed: changes of users who exist.
    """

    new: dict[int, NewUser] = field(factory=dict)
    created: dict[int, Change] = field(factory=dict)
    changed: dict[int, Change] = field(factory=dict)


@frozen
class SqlLoaded:
    """A batch, ready to be written."""

    steps: Sequence[Change | Creation]
    waves: Sequence[Wave] = field(repr=False)
    quiet: bool
    fresh: Mapping[UserId, UserKey] = field(repr=False)


@define(eq=False)
class _Luck:
    """Whether new users of late all won, so that the next ones may be copied straight away."""

    staged: int = 0

    def lost(self) -> None:
        """Take the long way for a while."""
        self.staged = _STAGED_AFTER_LOSS

    @property
    def holds(self) -> bool:
        """Return whether to copy straight away, and come nearer to it where not."""
        if self.staged:
            self.staged -= 1
            return False
        return True


@frozen
class SqlImportWriter:
    """Commits batches."""

    database: Database
    vault: SqlVault
    _luck: _Luck = field(factory=_Luck, init=False, repr=False)

    def load(self, steps: Sequence[Change | Creation], *, quiet: bool) -> SqlLoaded:
        """Make changes ready."""
        loading = _Loading(self.vault, quiet)
        if _are_apart(steps):
            loading.waves.append(Wave())
            for place, step in enumerate(steps):
                loading.put(0, place, step)
        else:
            for place, (number, step) in enumerate(_in_waves(steps)):
                if number == len(loading.waves):
                    loading.waves.append(Wave())
                loading.put(number, place, step)
        return loading.loaded(steps)

    async def commit(self, begun: Import, loaded: Loaded, settle: Settle) -> Settled | None:
        """Commit the changes that nothing stands against, the errors and the progress."""
        batch = _ours(loaded)
        keys = await self._keys(batch)
        try:
            return await self._write(begun, batch, keys, settle)
        except _AgainError:
            return None
        except (psycopg.DataError, UnicodeEncodeError):
            if len(batch.steps) != 1:
                return None
            unfit = InvalidError("some text cannot be stored: leave out NUL and lone surrogates")
            return await self._write(begun, SqlLoaded((), (), batch.quiet, {}), {}, lambda _: settle([unfit]))

    async def probe(self, begun: Import, loaded: Loaded) -> Sequence[UserCoreError | None]:
        """Return for each change why it would be refused as things stand, or None."""
        rows = await self.database.fetch(TAKEN, *_named(loaded.steps)) if loaded.steps else []
        return [_first(begun, row) for row in rows]

    async def _keys(self, batch: SqlLoaded) -> Mapping[UserId, UserKey]:
        """Return the keys that seal what the changes leave behind. Another connection's work, so before any begins."""
        known = {change_of(step).user.id for step in batch.steps if not is_new(step)} - batch.fresh.keys()
        stored = await self.vault.for_writing(sorted(known), born=False) if known else {}
        return {**batch.fresh, **stored}

    async def _write(self, begun: Import, batch: SqlLoaded, keys: Mapping[UserId, UserKey], settle: Settle) -> Settled:
        async def attempt(opened: Session) -> Settled:
            await locked(opened, begun)
            try:
                outcomes = await _Batch(opened, begun, batch, keys, self._luck).write()
            except psycopg.Error as error:
                if collided(error):
                    raise _AgainError from error
                raise
            settled = settle([outcomes.get(place) for place in range(len(batch.steps))])
            if settled is None:
                raise _AgainError
            await move(opened, begun.id, settled)
            return settled

        return await self.database.hold(attempt, patience_s=_PATIENCE_S)


@frozen
class _Batch:
    """One batch, being written."""

    opened: Session
    begun: Import
    batch: SqlLoaded
    keys: Mapping[UserId, UserKey]
    luck: _Luck

    async def write(self) -> Outcomes:
        """Write wave after wave."""
        outcomes: Outcomes = {}
        for wave in self.batch.waves:
            if wave.new:
                outcomes |= await self._copied(wave.new)
            if wave.created:
                outcomes |= await self._created(wave.created)
            if wave.changed:
                outcomes |= await self._changed(wave.changed)
        return outcomes

    async def _copied(self, new: Mapping[int, NewUser]) -> Outcomes:
        winners: Sequence[NewUser] = list(new.values())
        lost: dict[int, Change | Creation] = {}
        if not await self._copied_at_once(winners):
            won = await self._staged(winners)
            winners = [one for one in winners if one.creation.user_id in won]
            lost = {place: one.creation for place, one in new.items() if one.creation.user_id not in won}
        for table in DEPENDENTS:
            await self._copy(table, winners)
        return await self._refused(lost)

    async def _copied_at_once(self, users: Sequence[NewUser]) -> bool:
        """Copy users into their table; return whether all won, and nothing was written where not."""
        if not self.luck.holds:
            return False
        await fetch_nothing(self.opened, b"SAVEPOINT users")
        try:
            # In one order, as every writer inserts them, so that two batches with the same emails wait in turn.
            await self._copy(USERS, sorted(users, key=_email_of))
        except UniqueViolation as error:
            if error.diag.constraint_name not in CONSTRAINTS:
                raise
            self.luck.lost()
            await fetch_nothing(self.opened, b"ROLLBACK TO SAVEPOINT users")
            return False
        await fetch_nothing(self.opened, b"RELEASE SAVEPOINT users")
        return True

    async def _staged(self, users: Sequence[NewUser]) -> set[UserId]:
        """Insert users by way of a table of our own, and return who won."""
        await fetch_nothing(self.opened, STAGE)
        await self._copy(STAGED, users)
        won = {UserId(user_id) for (user_id,) in await fetch(self.opened, INSERT, prepare=False)}
        await fetch_nothing(self.opened, DROP)
        return won

    async def _copy(self, table: str, users: Sequence[NewUser]) -> None:
        text = joined(users, USERS if table == STAGED else table)
        if text:
            async with self.opened.cursor().copy(copy_into(table)) as copy:
                await copy.write(text)

    async def _created(self, created: Mapping[int, Change]) -> Outcomes:
        changes = list(created.values())
        parameters = (change_rows(changes, self.keys), delivery_rows(changes), record_rows(changes))
        statement = CREATE_QUIETLY if self.batch.quiet else CREATE
        won = {user_id for (user_id,) in await fetch(self.opened, statement, *parameters)}
        return await self._refused({place: one for place, one in created.items() if one.user.id not in won})

    async def _refused(self, lost: Mapping[int, Change | Creation]) -> Outcomes:
        if not lost:
            return {}
        rows = await fetch(self.opened, TAKEN, *_named(lost.values()))
        refusals = {place: _first(self.begun, row) for place, row in zip(lost, rows, strict=True)}
        found = {place: refusal for place, refusal in refusals.items() if refusal is not None}
        if len(found) < len(lost):
            raise _AgainError  # what stood in the way is gone again
        return found

    async def _changed(self, changed: Mapping[int, Change]) -> Outcomes:
        """Change users; where a name is taken, in smaller and smaller parts."""
        changes = list(changed.values())
        keys = {change.user.id: self._stored(change.user.id) for change in changes}
        parameters = (change_rows(changes, keys), delivery_rows(changes), record_rows(changes))
        await fetch_nothing(self.opened, b"SAVEPOINT changes")
        try:
            rows = await fetch(self.opened, UPDATE_QUIETLY if self.batch.quiet else UPDATE, *parameters)
        except UniqueViolation as error:
            if error.diag.constraint_name not in CONSTRAINTS:
                raise
            await fetch_nothing(self.opened, b"ROLLBACK TO SAVEPOINT changes")
            if len(changed) == 1:
                return dict.fromkeys(changed, refusal_of(error))
            items, half = list(changed.items()), len(changed) // 2
            return {**await self._changed(dict(items[:half])), **await self._changed(dict(items[half:]))}
        await fetch_nothing(self.opened, b"RELEASE SAVEPOINT changes")
        return _not_moved(changed, {user_id: (version, moved) for user_id, version, moved in rows})

    def _stored(self, user_id: UserId) -> UserKey:
        """Return a user's key; that of a user whom this batch has made is stored by then."""
        key = self.keys[user_id]
        return UserKey(key.key) if user_id in self.batch.fresh else key


def _not_moved(changed: Mapping[int, Change], found: Mapping[str, tuple[int, bool]]) -> Outcomes:
    refused: Outcomes = {}
    for place, change in changed.items():
        version, moved = found.get(change.user.id, (None, False))
        if not moved:
            refused[place] = UserNotFoundError() if version is None else StaleVersionError(current=version)
    return refused


async def fetch_nothing(opened: Session, statement: bytes) -> None:
    """Execute a statement that returns no row."""
    await opened.execute(statement, prepare=False)


@define(eq=False)
class _Loading:
    """A batch that is being made ready.

    Args:
        vault: makes keys.
        quiet: no event is published.
    """

    vault: SqlVault
    quiet: bool
    waves: list[Wave] = field(factory=list)
    fresh: dict[UserId, UserKey] = field(factory=dict, repr=False)
    _maker: LineMaker | None = None

    def put(self, number: int, place: int, step: Change | Creation) -> None:
        """Put a step into a wave."""
        wave = self.waves[number]
        if isinstance(step, Creation):
            try:
                wave.new[place] = self._line_maker(step)(step)
            except UnfitError:
                step = step.change
            else:
                return
        if step.user.version > 1:
            wave.changed[place] = step
        else:
            self._key(step.user.id)
            wave.created[place] = step

    def loaded(self, steps: Sequence[Change | Creation]) -> SqlLoaded:
        """Return the batch, and let go of what leads back here: a circle would wait for the garbage collector."""
        self._maker = None
        return SqlLoaded(steps, self.waves, self.quiet, self.fresh)

    def _line_maker(self, creation: Creation) -> LineMaker:
        maker = self._maker
        if maker is None or maker.context is not creation.context or maker.now != creation.now:
            maker = self._maker = LineMaker(creation.context, creation.now, self._key, self.quiet)
        return maker

    def _key(self, user_id: UserId) -> UserKey:
        key = self.fresh[user_id] = self.vault.fresh(user_id)
        return key


def _email_of(user: NewUser) -> str:
    return user.creation.profile.email.canonical


def _are_apart(steps: Sequence[Change | Creation]) -> bool:
    """Return whether steps are creations of users who share no name, as those of nearly every batch are."""
    if not all(isinstance(step, Creation) for step in steps):
        return False
    profiles = [profile_of(step) for step in steps]
    emails = {one.email.canonical for one in profiles}
    usernames = {one.canonical_username for one in profiles}
    external = [one.external_id for one in profiles if one.external_id is not None]
    return len(emails) == len(usernames) == len(steps) and len(set(external)) == len(external)


def _in_waves(steps: Sequence[Change | Creation]) -> Iterator[tuple[int, Change | Creation]]:
    """Yield each step with the number of its wave: behind every step before it that it shares something with."""
    last: dict[object, int] = {}
    for step in steps:
        names = list(_names(step))
        number = max((last[name] + 1 for name in names if name in last), default=0)
        last.update(dict.fromkeys(names, number))
        yield number, step


def _names(step: Change | Creation) -> Iterable[object]:
    """Yield everything that changes of one wave must not share: the user, and each name before and after."""
    yield step.user_id if isinstance(step, Creation) else step.user.id
    for kind in LookupKind:
        if (name := name_in(profile_of(step), kind)) is not None:
            yield kind, name
    if isinstance(step, Change) and step.user.version > 1:
        for one in step.changes:
            if isinstance(one.before, EmailAddress):
                yield LookupKind.EMAIL, one.before.canonical
                yield LookupKind.USERNAME, one.before.canonical
            elif one.field in {"username", "external_id"} and isinstance(one.before, str):
                yield LookupKind(one.field), fold_ascii(one.before) if one.field == "username" else one.before


def _named(steps: Iterable[Change | Creation]) -> tuple[list[str | None], ...]:
    kept = list(steps)
    ids: list[str | None] = [step.user_id if isinstance(step, Creation) else step.user.id for step in kept]
    return (*([name_in(profile_of(step), kind) for step in kept] for kind in _KINDS), ids)


def _first(begun: Import, row: Sequence[bool]) -> UserCoreError | None:
    """Return why a user is refused: that the key is taken before all else."""
    taken = [kind for kind, found in zip(_KINDS, row, strict=True) if found]
    if not taken:
        return None
    key = begun.options.by.lookup
    return _KINDS[key if key in taken else taken[0]]()


def _ours(loaded: Loaded) -> SqlLoaded:
    if not isinstance(loaded, SqlLoaded):
        raise TypeError("what was made ready elsewhere cannot be written here")
    return loaded


if TYPE_CHECKING:

    def _conforms(database: Database, vault: SqlVault) -> ImportWriter:
        return SqlImportWriter(database, vault)
