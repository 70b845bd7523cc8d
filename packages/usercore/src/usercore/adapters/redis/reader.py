"""Ready profiles from the cache, else from the database."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from usercore.adapters.redis.debts import OwedInvalidations
from usercore.adapters.redis.link import Shielded
from usercore.adapters.redis.protocol import ReadThrough
from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument, ProfileReader

MOST_FILLS: Final = 16
"""Batches being stored at a time; beyond that a read leaves the cache as it is."""


class CachedProfileReader:
    """Serves profiles from the cache where it may be used, and fills it after the caller is answered.

    Args:
        through: reads by the protocol.
        owed: whether cached values may be stale.
        fills: runs what happens after the answer.
    """

    def __init__(self, through: ReadThrough, owed: OwedInvalidations, fills: Shielded) -> None:
        self._through = through
        self._owed = owed
        self._fills = fills

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist, in every account state."""
        distinct = list(dict.fromkeys(ids))
        if not distinct:
            return {}
        if self._owed:
            return await self._through.past(distinct)
        documents, fill = await self._through.read(distinct)
        if fill is not None and len(self._fills) < MOST_FILLS:
            self._fills.start(self._through.fill(fill))
        return documents


if TYPE_CHECKING:

    def _conform(reader: CachedProfileReader) -> None:
        _reader: ProfileReader = reader
