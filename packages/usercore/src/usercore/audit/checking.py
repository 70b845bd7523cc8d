"""Whether chains are what they were: each entry's hash, place, contents, and where each chain ends."""

from collections.abc import Iterator
from hmac import compare_digest

from attrs import define, field

from usercore.audit.chain import GENESIS, digest_of, link
from usercore.audit.entry import SERVICE_CHAIN
from usercore.audit.evidence import Evidence
from usercore.audit.findings import Finding, FindingKind
from usercore.kernel.ids import UserId


@define
class ChainChecker:
    """Takes entries chain by chain, those of one chain in the order of their sequences.

    Args:
        entries: how many it was given.
        chains: of how many chains.
    """

    entries: int = 0
    chains: int = 0
    _last: Evidence | None = field(default=None, init=False)
    _sequence: int = field(default=0, init=False)
    _hash: bytes = field(default=GENESIS, init=False)
    _version: int = field(default=0, init=False)

    def take(self, one: Evidence) -> Iterator[Finding]:
        """Check the next entry, and the end of a chain that it leaves behind."""
        if self._last is None or self._last.user_id != one.user_id:
            yield from self.end()
            self.chains += 1
        self.entries += 1
        if one.sequence != self._sequence + 1:
            yield self._gap(one)
        elif not is_intact(self._hash, one):
            yield _about(one, FindingKind.ENTRY_EDITED, "it does not say what its hash says")
        yield from _contents(one)
        if one.entry is not None and one.entry.version is not None:
            self._version = max(self._version, one.entry.version)
        self._last, self._sequence, self._hash = one, one.sequence, one.hash

    def end(self) -> Iterator[Finding]:
        """Check the end of the last chain."""
        last = self._last
        if last is not None:
            yield from _end(last)
            yield from self._standing(last)
        self._last, self._sequence, self._hash, self._version = None, 0, GENESIS, 0

    def _gap(self, one: Evidence) -> Finding:
        detail = f"entries {self._sequence + 1} to {one.sequence - 1} are not there"
        return Finding(FindingKind.ENTRY_MISSING, detail, one.user_id, self._sequence + 1)

    def _standing(self, last: Evidence) -> Iterator[Finding]:
        if last.user_id == SERVICE_CHAIN:
            return
        if last.standing is None:
            yield Finding(FindingKind.CHAIN_ORPHANED, "there is no such user", last.user_id)
        elif last.standing.version != self._version:
            detail = f"the user is at version {last.standing.version}, and the trail at {self._version}"
            yield Finding(FindingKind.CHANGE_UNRECORDED, detail, last.user_id, last.sequence)


def is_intact(previous: bytes, one: Evidence) -> bool:
    """Return whether an entry's hash is that of what it says, behind the hash before it."""
    if one.entry is None or one.sequence < 1:
        return False
    return compare_digest(link(previous, one.sequence, digest_of(one.entry)), one.hash)


def _contents(one: Evidence) -> Iterator[Finding]:
    """Compare contents with what the entry says of them; what nobody can read any more may be gone."""
    entry = one.entry
    if entry is None or not entry.contents_hash:
        return
    if one.contents_hash is not None:
        if not compare_digest(entry.contents_hash, one.contents_hash):
            yield _about(one, FindingKind.CONTENTS_DIFFER, "what was changed or listed is not what was recorded")
    elif one.standing is not None and not one.standing.erased:
        yield _about(one, FindingKind.CONTENTS_MISSING, "what was changed is not there")


def _end(last: Evidence) -> Iterator[Finding]:
    head = last.head
    if head is None:
        yield _about(last, FindingKind.HEAD_MISSING, "nothing says where the chain ends")
    elif head.sequence > last.sequence:
        detail = f"entries {last.sequence + 1} to {head.sequence} are not there"
        yield Finding(FindingKind.CHAIN_TRUNCATED, detail, last.user_id, last.sequence + 1)
    elif head.sequence < last.sequence:
        yield _about(last, FindingKind.HEAD_DIFFERS, f"the chain ends at {head.sequence}, and this stands behind it")
    elif not compare_digest(head.hash, last.hash):
        yield _about(last, FindingKind.HEAD_DIFFERS, "the head has another hash")


def _about(one: Evidence, kind: FindingKind, detail: str) -> Finding:
    return Finding(kind, detail, one.user_id, one.sequence)


def missing_chain(user_id: UserId) -> Finding:
    """Return the finding that a user has no chain at all."""
    return Finding(FindingKind.CHAIN_MISSING, "the user has no entry", user_id)
