"""Keys, of which a database in memory has none: nothing of it outlives the process."""

from typing import TYPE_CHECKING

from attrs import frozen

from usercore.privacy.keys.ports import KeysStanding, KeyStore, Plain, SealedBatch


@frozen
class MemoryKeyStore:
    """Has nothing to wrap and nothing to seal."""

    async def standing(self) -> KeysStanding:
        """Return how the keys stand: there are none."""
        return KeysStanding(current=1, users={}, service={}, plain=dict.fromkeys(Plain, 0))

    async def rewrap(self, limit: int) -> int:  # noqa: ARG002 -- the port's
        """Return 0."""
        return 0

    async def seal(self, what: Plain, *, after: str | None, limit: int) -> SealedBatch:  # noqa: ARG002 -- the port's
        """Return that nothing was sealed and nothing is left."""
        return SealedBatch(0, None)


if TYPE_CHECKING:
    _key_store: KeyStore = MemoryKeyStore()
