"""What is signed and published at intervals, so that nobody can rewrite what was before.

The heads of the chains are leaves of one Merkle tree that grows at its end: at each checkpoint, the chains that moved
since the last one add their heads, in the order of their ids. The text of a checkpoint begins as the checkpoints of
transparency logs do. Source: https://c2sp.org/tlog-checkpoint.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from attrs import frozen

from usercore.audit.entry import ChainHead
from usercore.audit.merkle import HASH_BYTES, leaf_hash
from usercore.audit.notes import Note

NO_CHECKPOINT: Final = bytes(HASH_BYTES)
"""Stands for the one before the first."""
_SEQUENCE_BYTES: Final = 8
_LABELS: Final = ("number", "time", "entries", "previous")


def leaf_of(head: ChainHead) -> bytes:
    """Return the hash of the leaf that commits to where a chain stands."""
    place = UUID(head.user_id).bytes + head.sequence.to_bytes(_SEQUENCE_BYTES, "big", signed=True)
    return leaf_hash(place + head.hash)


@frozen
class Checkpoint:
    """All heads at a time, as one hash.

    Args:
        origin: whose audit trail: the name of the signing key.
        size: leaves of the tree.
        root: of the tree.
        number: 1 for the first.
        at: aware, UTC.
        entries: in all chains, as far as the heads go.
        previous: the digest of the checkpoint before, or :data:`NO_CHECKPOINT`.
    """

    origin: str
    size: int
    root: bytes
    number: int
    at: datetime
    entries: int
    previous: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (
            self.origin,
            self.size,
            _base64(self.root),
            f"number {self.number}",
            f"time {self.at.isoformat(timespec='microseconds').removesuffix('+00:00')}Z",
            f"entries {self.entries}",
            f"previous {_base64(self.previous)}",
        )
        return "".join(f"{line}\n" for line in lines)

    @property
    def digest(self) -> bytes:
        """What the next one names as its `previous`."""
        return sha256(self.text.encode()).digest()

    @property
    def is_possible(self) -> bool:
        """Whether numbers and hashes are such as a checkpoint can have."""
        hashes = len(self.root) == len(self.previous) == HASH_BYTES
        return hashes and self.size >= 0 and self.number >= 1 and self.entries >= 0

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read what :attr:`text` wrote.

        Raises:
            ValueError: it is another text, if only by a blank.
        """
        try:
            read = cls._read(text)
        except ValueError:
            read = None
        if read is None or read.text != text or not read.is_possible:
            message = "the text is not in the form of a checkpoint"
            raise ValueError(message)
        return read

    @classmethod
    def _read(cls, text: str) -> "Checkpoint":
        origin, size, root, *others = text.split("\n")[:-1]
        said: Mapping[str, str] = dict(zip(_LABELS, (line.partition(" ")[2] for line in others), strict=True))
        return cls(
            origin=origin,
            size=int(size),
            root=base64.b64decode(root, validate=True),
            number=int(said["number"]),
            at=datetime.fromisoformat(said["time"]),
            entries=int(said["entries"]),
            previous=base64.b64decode(said["previous"], validate=True),
        )


@frozen
class SignedCheckpoint:
    """A checkpoint with the note in which it is published."""

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def parse(cls, note: str) -> "SignedCheckpoint":
        """Read a note; whether its signatures are any good is another question.

        Raises:
            ValueError: it is no note, or of another text.
        """
        read = Note.parse(note)
        return cls(Checkpoint.parse(read.text), read)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
