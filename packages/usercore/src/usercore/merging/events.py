"""What is kept of a merge, and done to what hangs on the two users, with the step that announces it."""

from attrs import frozen

from usercore.kernel.events import Record
from usercore.merging.values import Merge


@frozen
class MergeRecord(Record):
    """Two users become one: what the merged one did moves to the survivor, in the same transaction.

    It is refused where a legal hold or an open privacy request about either stands in the way.

    Args:
        merge: itself.
        moves_names: the two exchange names that must be unique.
    """

    merge: Merge
    moves_names: bool


@frozen
class UndoRecord(Record):
    """The two are two again: what came with the merged one, or was told of it since, goes back.

    Args:
        merge: with how it was taken back.
        moves_names: the two exchange names that must be unique.
    """

    merge: Merge
    moves_names: bool
