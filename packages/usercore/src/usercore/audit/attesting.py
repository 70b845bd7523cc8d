"""Whether checkpoints are genuine, follow one another, and fit what is in the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hmac import compare_digest

from attrs import define, field, frozen

from usercore.audit.checkpoint import NO_CHECKPOINT, Checkpoint, SignedCheckpoint, leaf_of
from usercore.audit.evidence import LeafEvidence
from usercore.audit.findings import Finding, FindingKind
from usercore.audit.merkle import Tree
from usercore.audit.ports import CheckpointVerifier
from usercore.kernel.ids import UserId


@frozen
class Series:
    """Checkpoints from one source.

    Args:
        genuine: those that are signed, by number.
        findings: what is wrong with others.
    """

    genuine: Mapping[int, SignedCheckpoint]
    findings: tuple[Finding, ...]


def read_series(notes: Iterable[str], verifier: CheckpointVerifier) -> Series:
    """Read checkpoints that a source gives in order; what is not signed is not believed."""
    genuine: dict[int, SignedCheckpoint] = {}
    findings: list[Finding] = []
    for place, text in enumerate(notes, start=1):
        try:
            signed = SignedCheckpoint.parse(text)
        except ValueError:
            findings.append(_unreadable(place))
            continue
        number = signed.checkpoint.number
        if not verifier.is_signed(signed.note):
            detail = "no known key signed it"
            findings.append(Finding(FindingKind.CHECKPOINT_FORGED, detail, sequence=number))
        elif number in genuine:
            detail = "it stands there twice"
            findings.append(Finding(FindingKind.CHECKPOINT_DIFFERS, detail, sequence=number))
        else:
            genuine[number] = signed
    return Series(genuine, tuple(findings))


def _unreadable(place: int) -> Finding:
    return Finding(FindingKind.CHECKPOINT_UNREADABLE, f"no. {place} from the start is no checkpoint", sequence=place)


def compare(kept: Series, published: Series, settled: datetime) -> Iterator[Finding]:
    """Compare the database's checkpoints with those that were published outside it.

    Args:
        kept: the database's.
        published: the others.
        settled: what was made before then must have been published.
    """
    for number, outside in sorted(published.genuine.items()):
        inside = kept.genuine.get(number)
        if inside is None:
            detail = "it was published, and the database does not have it: the database is an older one"
            yield Finding(FindingKind.CHECKPOINT_MISSING, detail, sequence=number)
        elif inside.checkpoint != outside.checkpoint:
            detail = "the published one says something else than the database's"
            yield Finding(FindingKind.CHECKPOINT_DIFFERS, detail, sequence=number)
    for number in sorted(kept.genuine.keys() - published.genuine.keys()):
        if kept.genuine[number].checkpoint.at < settled:
            detail = "the database has it, and what was published does not"
            yield Finding(FindingKind.CHECKPOINT_UNPUBLISHED, detail, sequence=number)


def check_succession(checkpoints: Sequence[Checkpoint], before: Checkpoint | None = None) -> Iterator[Finding]:
    """Check that checkpoints, sorted by number, are all there and each names the one before it.

    Args:
        checkpoints: to be checked.
        before: the one that they follow, or None where they are all.
    """
    number, digest, size, entries = 0, NO_CHECKPOINT, 0, 0
    if before is not None:
        number, digest, size, entries = before.number, before.digest, before.size, before.entries
    for one in checkpoints:
        if one.number != number + 1:
            detail = f"checkpoints {number + 1} to {one.number - 1} are not there"
            yield Finding(FindingKind.CHECKPOINT_MISSING, detail, sequence=number + 1)
        elif not compare_digest(one.previous, digest) or one.size < size or one.entries < entries:
            yield Finding(FindingKind.CHECKPOINT_DIFFERS, "it does not follow the one before it", sequence=one.number)
        number, digest, size, entries = one.number, one.digest, one.size, one.entries


@define
class LeafChecker:
    """Takes the leaves in order, and compares the growing tree with what checkpoints say of it.

    Args:
        checkpoints: sorted by number.
        about: check the leaves of this user alone against entries; None checks all.
        size: how many leaves it was given.
    """

    checkpoints: list[Checkpoint]
    about: UserId | None = None
    size: int = 0
    _tree: Tree = field(factory=Tree, init=False)
    _entries: int = field(default=0, init=False)
    _next: int = field(default=0, init=False)
    _broken: bool = field(default=False, init=False)

    @property
    def attested(self) -> int:
        """How many leaves the checkpoints know of."""
        return self.checkpoints[-1].size if self.checkpoints else 0

    def take(self, leaf: LeafEvidence) -> Iterator[Finding]:
        """Check the next leaf, and the checkpoints that were made before it."""
        yield from self._compare()
        if leaf.position != self.size and not self._broken:
            self._broken = True
            detail = f"leaf {self.size} of the tree over the heads is not there"
            yield Finding(FindingKind.LEAF_MISSING, detail)
        if self.about in {None, leaf.head.user_id}:
            yield from _leaf(leaf)
        self._tree.append(leaf_of(leaf.head))
        self._entries += leaf.head.sequence - leaf.before
        self.size += 1

    def end(self) -> Iterator[Finding]:
        """Compare with the checkpoints that are left, and find leaves that belong to none."""
        yield from self._compare()
        last = self.attested
        if self._next < len(self.checkpoints) and not self._broken:
            self._broken = True
            number = self.checkpoints[self._next].number
            yield Finding(FindingKind.LEAF_MISSING, f"the tree has {self.size} leaves of {last}", sequence=number)
        elif self.size > last and not self._broken:
            yield Finding(FindingKind.ROOT_DIFFERS, f"no checkpoint knows of {self.size - last} of the leaves")

    def _compare(self) -> Iterator[Finding]:
        while self._next < len(self.checkpoints) and self.checkpoints[self._next].size <= self.size:
            one = self.checkpoints[self._next]
            self._next += 1
            fits = one.size == self.size and one.root == self._tree.root() and one.entries == self._entries
            if not fits and not self._broken:
                # Whatever differs here differs in all later ones as well.
                self._broken = True
                detail = "the heads in the database are not those that were signed"
                yield Finding(FindingKind.ROOT_DIFFERS, detail, sequence=one.number)


def _leaf(leaf: LeafEvidence) -> Iterator[Finding]:
    user_id, sequence = leaf.head.user_id, leaf.head.sequence
    if leaf.entry_hash is None:
        detail = "a checkpoint knows of this entry, and it is not there"
        yield Finding(FindingKind.CHAIN_TRUNCATED, detail, user_id, sequence)
    elif not compare_digest(leaf.entry_hash, leaf.head.hash):
        detail = "a checkpoint knows this entry with another hash: it, or what stands before it, was rewritten"
        yield Finding(FindingKind.CHAIN_REWRITTEN, detail, user_id, sequence)
