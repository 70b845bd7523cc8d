"""What the audit feature asks of the world outside."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from attrs import field, frozen

from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.entry import AuditEntry, ChainedEntry, ChainHead
from usercore.audit.evidence import Evidence, LeafEvidence
from usercore.audit.findings import Finding
from usercore.audit.notes import Note, PublicKey
from usercore.audit.query import AuditQuery
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page


class AuditTrail(Protocol):
    """Keeps entries for ever, each in its user's chain. Nothing can change one or take it away."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries, those of one chain in the order given: all of them or none.

        What a change brings is appended with the change itself, not here.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class ListingTrail(Protocol):
    """Keeps entries about lists, each with the users that the list showed."""

    async def append_listing(self, entry: AuditEntry, ids: Sequence[UserId]) -> None:
        """Append an entry with the users: both or none.

        Args:
            entry: bound to the users by :func:`usercore.audit.evidence.listed_hash`.
            ids: of the users, each once.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class AuditReader(Protocol):
    """Reads the trail, newest first."""

    async def page(self, query: AuditQuery) -> Page[ChainedEntry]:
        """Return a page. One on which little is found may be short and still have a next one.

        An entry about a list is found by every user that the list showed.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class AuditArchive(Protocol):
    """Reads all of the trail as it stands, a part at a time, for whoever checks it. What it gives is not believed."""

    def entries(self, user_id: UserId | None) -> AsyncIterator[Evidence]:
        """Yield the entries of one chain or of all, by chain and sequence, each with what stands beside it.

        What stands beside an entry is of the same moment as the entry.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    def loose_ends(self, user_id: UserId | None) -> AsyncIterator[Finding]:
        """Yield users without a chain, heads without an entry, and history that no entry tells of."""
        ...

    def leaves(self) -> AsyncIterator[LeafEvidence]:
        """Yield the leaves of the tree over the heads, in order."""
        ...


@frozen
class MovedHead:
    """A chain that moved since the last checkpoint.

    Args:
        head: where it stands.
        before: the sequence at which the tree knows it, or 0.
    """

    head: ChainHead
    before: int


@frozen
class KeptNote:
    """A checkpoint as it stands in the log; nothing of it is believed.

    Args:
        number: under which it is kept.
        note: as it was published.
    """

    number: int
    note: str


@frozen
class KeptCheckpoint:
    """The last checkpoint, as it is kept.

    Args:
        note: as it was published.
        peaks: of the tree then, see :class:`usercore.audit.merkle.Tree`.
    """

    note: str
    peaks: tuple[bytes, ...] = field(repr=False)


@frozen
class NewCheckpoint:
    """A checkpoint to be kept, and told to those outside the database.

    Args:
        event_id: names the telling for ever.
        signed: the checkpoint.
        peaks: of the tree.
    """

    event_id: EventId
    signed: SignedCheckpoint
    peaks: tuple[bytes, ...] = field(repr=False)


BuildCheckpoint: TypeAlias = Callable[
    [KeptCheckpoint | None, AsyncIterator[MovedHead]], Awaitable[NewCheckpoint | None]
]
"""Makes a checkpoint of the last one and of the heads that moved since; None where it is not time yet."""


class CheckpointLog(Protocol):
    """Keeps checkpoints, and the tree over the heads. Nothing can change one or take it away."""

    async def extend(self, build: BuildCheckpoint) -> SignedCheckpoint | None:
        """Make the heads that moved leaves at the tree's end, and keep the checkpoint over it: both or none.

        With it goes what the AuditService and the topic of checkpoints are told. One at a time does so; whoever meets
        another returns at once.

        Args:
            build: takes all of the heads, in the order of their chains, before it returns a checkpoint.

        Returns:
            The checkpoint, or None where there was none to be made, or somebody else is at it.

        Raises:
            UnavailableError: the database does not answer. Whether the checkpoint is kept is then unknown.
        """
        ...

    async def last(self) -> KeptNote | None:
        """Return the last checkpoint, or None where there is none."""
        ...

    async def after(self, number: int, *, limit: int) -> Sequence[KeptNote]:
        """Return checkpoints behind a number, in order."""
        ...


class CheckpointPublisher(Protocol):
    """Publishes checkpoints where nobody who can write to the database can reach them."""

    async def publish(self, log: CheckpointLog) -> int:
        """Publish all of the log's checkpoints that were not published here yet, and return how many.

        Raises:
            CheckpointForkedError: another checkpoint of that number was published before.
            UnavailableError: they cannot be published now.
        """
        ...


class CheckpointSigner(Protocol):
    """Signs, with a key that is not in the database."""

    @property
    def key(self) -> PublicKey:
        """What its signatures are checked with."""
        ...

    async def sign(self, text: str) -> Note:
        """Return the text with a signature under it.

        Raises:
            AuditKeyUnusableError: there is no key.
            UnavailableError: whoever keeps the key does not answer.
        """
        ...


class CheckpointVerifier(Protocol):
    """Knows the keys of those who may sign."""

    def is_signed(self, note: Note) -> bool:
        """Return whether a key that is known here signed the note, and no such key's signature is a false one."""
        ...
