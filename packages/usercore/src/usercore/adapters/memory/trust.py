"""The audit trail and the key for look-ups, in memory."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.audit.entry import AuditEntry
from usercore.audit.ports import AuditTrail
from usercore.kernel.ports import KeyedHasher

_KEY_BYTES: Final = 32


@frozen
class MemoryAuditTrail:
    """Appends entries."""

    database: MemoryDatabase

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries: all of them or none."""
        for entry in entries:
            self.database.append(entry)


@frozen
class MemoryKeyedHasher:
    """Hashes values with a key that ends with the process."""

    key: bytes = field(factory=lambda: secrets.token_bytes(_KEY_BYTES), repr=False)

    async def digest(self, purpose: str, value: str) -> bytes:
        """Return the HMAC-SHA256 of a value for a purpose."""
        text = purpose.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, text, sha256)


if TYPE_CHECKING:
    _trail: AuditTrail = MemoryAuditTrail(MemoryDatabase())
    _keyed: KeyedHasher = MemoryKeyedHasher()
