"""Make parts of history and of the audit trail before they are written to."""

from collections.abc import Mapping

from attrs import frozen

from usercore.kernel.ports import Clock
from usercore.privacy.retention.errors import NoPartAheadError
from usercore.privacy.retention.ports import TrailParts
from usercore.privacy.retention.values import Trail


@frozen
class MakePartsAhead:
    """Makes parts ahead. Safe to run in many places: one at a time makes some, and the others find them there."""

    parts: TrailParts
    clock: Clock

    async def __call__(self) -> Mapping[Trail, int]:
        """Return of each trail how many parts are ready beyond the one that is written to; none where it has no parts.

        Raises:
            UnavailableError: the database does not answer.
        """
        return await self.parts.extend(self.clock.now())


def require_some(ahead: Mapping[Trail, int]) -> None:
    """Pass where each trail has a part ahead.

    Raises:
        NoPartAheadError: one has none, and none could be made.
    """
    if lacking := [trail.value for trail, count in ahead.items() if not count]:
        raise NoPartAheadError(f"no part is ready for the next quarter of: {', '.join(lacking)}")
