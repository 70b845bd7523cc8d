"""A recorded history of writes and reads, and the reads in it that should have known better."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate

from attrs import Factory, define, frozen


@frozen
class Write:
    """An acknowledged write.

    Args:
        user_id: whom it changed.
        version: which version it made.
        ended: when its answer was whole.
    """

    user_id: str
    version: int
    ended: float


@frozen
class Read:
    """An answered read.

    Args:
        user_id: whom it asked for.
        version: which version it showed.
        began: before its first byte was sent.
    """

    user_id: str
    version: int
    began: float


@define
class Recording:
    """What happened, by one clock."""

    writes: list[Write] = Factory(list)
    reads: list[Read] = Factory(list)

    def stale(self) -> list[tuple[Read, int]]:
        """Return the reads that showed less than a write acknowledged before they began, with what it had made."""
        known = {user_id: _Acknowledged(writes) for user_id, writes in self._by_user().items()}
        judged = ((read, known[read.user_id].before(read.began)) for read in self.reads if read.user_id in known)
        return [(read, least) for read, least in judged if read.version < least]

    def _by_user(self) -> Mapping[str, list[Write]]:
        found: defaultdict[str, list[Write]] = defaultdict(list)
        for write in self.writes:
            found[write.user_id].append(write)
        return found


class _Acknowledged:
    """The highest version of one user that was acknowledged, over time."""

    def __init__(self, writes: Sequence[Write]) -> None:
        ordered = sorted(writes, key=lambda write: write.ended)
        self._times = [write.ended for write in ordered]
        self._highest = list(accumulate((write.version for write in ordered), max))

    def before(self, moment: float) -> int:
        at = bisect_left(self._times, moment)
        return self._highest[at - 1] if at else 0
