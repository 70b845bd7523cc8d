"""Seal what was written before there were keys."""

from collections.abc import Callable, Mapping

from attrs import frozen

from usercore.audit.entry import service_entry
from usercore.audit.ports import AuditTrail
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.privacy.keys.ports import KeyStore, Plain
from usercore.privacy.keys.rotate_keys import AT_ONCE


@frozen
class SealPlain:
    """Seals rows that lie in the clear. Running it twice is harmless, and so is ending it half-way."""

    store: KeyStore
    trail: AuditTrail
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self, reason: str, context: CommandContext, progress: Callable[[Plain, int], None]
    ) -> Mapping[Plain, int]:
        """Return how many rows of each sort were sealed, or emptied where their user is erased.

        Args:
            reason: why; the audit trail keeps it.
            context: who asks.
            progress: told after each batch of which sort how many were done.

        Raises:
            ReasonInvalidError: there is no reason.
            UnavailableError: the database does not answer; call again.
        """
        why = require_reason(reason)
        now, event_id = self.clock.now(), self.ids.event_id()
        entry = service_entry("PlainDataSealed", tuple(Plain), why, context, event_id=event_id, at=now)
        await self.trail.append([entry])
        return {what: await self._seal(what, progress) for what in Plain}

    async def _seal(self, what: Plain, progress: Callable[[Plain, int], None]) -> int:
        done, after = 0, None
        while True:
            batch = await self.store.seal(what, after=after, limit=AT_ONCE)
            done, after = done + batch.sealed, batch.next
            progress(what, done)
            if after is None:
                return done
