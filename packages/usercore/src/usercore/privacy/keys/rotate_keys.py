"""Wrap every key with the current master key, so that older ones can be given up."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.privacy.keys.ports import KeyStore

AT_ONCE: Final = 500
"""Keys of one transaction: few enough that nobody who wants one of them waits for long."""


@frozen
class RotateKeys:
    """Wraps keys anew. Running it twice is harmless, and so is ending it half-way: it goes on where it was."""

    store: KeyStore
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(self, reason: str, context: CommandContext, progress: Callable[[int], None]) -> int:
        """Return how many keys were wrapped anew.

        The audit trail knows of it before it begins.

        Args:
            reason: why; the audit trail keeps it.
            context: who asks.
            progress: told after each batch how many were done.

        Raises:
            ReasonInvalidError: there is no reason.
            MasterKeyMissingError: a master key that wraps some of them was not given.
            UnavailableError: the database does not answer; call again.
        """
        why = require_reason(reason)
        now, event_id = self.clock.now(), self.ids.event_id()
        entry = service_entry("KeysRotated", ("user_keys", "service_keys"), why, context, event_id=event_id, at=now)
        await self.trail.append([entry])
        done = 0
        while count := await self.store.rewrap(AT_ONCE):
            done += count
            progress(done)
        return done
