"""Try an import without writing: what it would come to as things stand."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

from attrs import evolve, field, frozen

from usercore.bulk.imports.creations import Creation, change_of, is_new, profile_of
from usercore.bulk.imports.drafting import Draft, Fate
from usercore.bulk.imports.import_batch import ImportBatch, Prepared
from usercore.bulk.imports.ports import Settled
from usercore.bulk.imports.values import Import, ImportMode, ImportRow
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.users.errors import EmailTakenError, ExternalIdTakenError, UsernameTakenError
from usercore.users.ports import Change, LookupKind, name_in

_HASH_BYTES: Final = 12
"""Two of ten million names have the same hash once in 10^15 imports."""
_ERRORS: Final = {
    LookupKind.EMAIL: EmailTakenError,
    LookupKind.USERNAME: UsernameTakenError,
    LookupKind.EXTERNAL_ID: ExternalIdTakenError,
}


class TakenNames:
    """Names that rows before have taken, as keyed hashes in a temporary file that nobody else can open.

    The database would know them if the rows had been committed. They do not fit into memory where there are millions.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._key = token_bytes(16)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA cache_size = -4096")
        connection.execute("CREATE TABLE names (hash BLOB PRIMARY KEY) WITHOUT ROWID")

    def has(self, kind: LookupKind, name: str) -> bool:
        """Return whether a row before has taken a name."""
        found = self._connection.execute("SELECT 1 FROM names WHERE hash = ?", (self._hash(kind, name),))
        return found.fetchone() is not None

    def take(self, kind: LookupKind, name: str) -> None:
        """Take a name."""
        self._connection.execute("INSERT OR IGNORE INTO names VALUES (?)", (self._hash(kind, name),))

    def _hash(self, kind: LookupKind, name: str) -> bytes:
        return blake2b(f"{kind}\n{name}".encode(), key=self._key, digest_size=_HASH_BYTES).digest()


@contextmanager
def taken_names() -> Iterator[TakenNames]:
    """Give an empty set of names, and delete it at the end."""
    # An empty name is a temporary file of SQLite's own, deleted as soon as it is made.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as connection:
        yield TakenNames(connection)


@frozen
class RehearseBatch:
    """Tells what rows would come to. A name that a row before gives up counts as taken until the end."""

    batch: ImportBatch
    taken: TakenNames = field(repr=False)

    async def __call__(self, begun: Import, rows: Sequence[ImportRow], context: CommandContext) -> Settled:
        """Return what some rows would come to.

        Raises:
            UnavailableError: the database does not answer.
        """
        prepared = await self.batch.prepare(begun, rows, context)
        found = iter(await self.batch.writer.probe(begun, prepared.loaded))
        drafts = [self._seen(begun, draft, None if draft.change is None else next(found)) for draft in prepared.drafts]
        changes = [draft.change for draft in drafts if draft.change is not None]
        settled = self.batch.settled(_inserting(begun), Prepared(rows, drafts, prepared.loaded), [None] * len(changes))
        if settled is None:  # pragma: no cover -- nothing was refused, so nothing is to be judged anew
            raise AssertionError("a rehearsal has nothing to look at again")
        return settled

    def _seen(self, begun: Import, draft: Draft, refusal: UserCoreError | None) -> Draft:
        """Return the draft as it is if the rows before had been committed."""
        if draft.change is None:
            return evolve(draft, rests_on=None)
        mode, kind = begun.options.mode, begun.options.by.lookup
        profile = profile_of(draft.change)
        key = name_in(profile, kind) if mode is not ImportMode.INSERT else None
        if draft.fate is Fate.CREATED and key is not None and self.taken.has(kind, key):
            fate = Fate.SKIPPED if mode is ImportMode.SKIP else Fate.UPDATED
            return Draft(draft.row, fate)
        refusal = self._first(begun, [refusal, *self._refusals(draft.change)])
        if refusal is not None:
            return Draft(draft.row, Fate.FAILED, refusal=refusal)
        for one in LookupKind:
            if (name := name_in(profile, one)) is not None:
                self.taken.take(one, name)
        return evolve(draft, rests_on=None)

    def _refusals(self, step: Change | Creation) -> Iterator[UserCoreError]:
        new = None if is_new(step) else {one.field for one in change_of(step).changes}
        for kind, error in _ERRORS.items():
            name = name_in(profile_of(step), kind)
            if name is not None and (new is None or kind.value in new) and self.taken.has(kind, name):
                yield error()

    def _first(self, begun: Import, refusals: Sequence[UserCoreError | None]) -> UserCoreError | None:
        """Return the refusal that a commit would name: that of the key before the others."""
        kinds = sorted(_ERRORS, key=lambda kind: kind is not begun.options.by.lookup)
        found = {type(one): one for one in refusals if one is not None}
        return next((found[_ERRORS[kind]] for kind in kinds if _ERRORS[kind] in found), None)


def _inserting(begun: Import) -> Import:
    return evolve(begun, options=evolve(begun.options, mode=ImportMode.INSERT))
