"""Sign where all chains stand, and publish it outside the database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hmac import compare_digest

from attrs import frozen

from usercore.audit.checkpoint import NO_CHECKPOINT, Checkpoint, SignedCheckpoint, leaf_of
from usercore.audit.errors import AuditTamperedError
from usercore.audit.merkle import Tree
from usercore.audit.ports import (
    CheckpointLog,
    CheckpointPublisher,
    CheckpointSigner,
    CheckpointVerifier,
    KeptCheckpoint,
    MovedHead,
    NewCheckpoint,
)
from usercore.kernel.ports import Clock, IdGenerator


@frozen
class MakeCheckpoint:
    """Makes checkpoints. Safe to run in many places: one at a time makes one, and a moment later it is not time yet."""

    log: CheckpointLog
    signer: CheckpointSigner
    verifier: CheckpointVerifier
    publisher: CheckpointPublisher
    clock: Clock
    ids: IdGenerator

    async def __call__(self, *, every: timedelta | None = None) -> SignedCheckpoint | None:
        """Make a checkpoint and publish what is not published yet; return the new one.

        Args:
            every: make none where the last one is younger than this; None makes one in any case.

        Raises:
            AuditTamperedError: the last one is not what was signed; verify the trail.
            AuditKeyUnusableError: there is no key to sign with.
            CheckpointForkedError: another one of its number was published before.
            UnavailableError: the database, or what publishes, does not answer; what is kept is published later.
        """

        async def build(last: KeptCheckpoint | None, moved: AsyncIterator[MovedHead]) -> NewCheckpoint | None:
            before = None if last is None else self._known(last)
            if before is not None and every is not None and self.clock.now() - before.at < every:
                return None
            return await self._build(before, () if last is None else last.peaks, moved)

        made = await self.log.extend(build)
        await self.publisher.publish(self.log)
        return made

    def _known(self, last: KeptCheckpoint) -> Checkpoint:
        """Return the last checkpoint, which must be ours: whatever is built on another one proves nothing."""
        try:
            signed = SignedCheckpoint.parse(last.note)
            root = Tree(signed.checkpoint.size, list(last.peaks)).root()
        except ValueError:
            raise AuditTamperedError("the last checkpoint cannot be read") from None
        if not self.verifier.is_signed(signed.note):
            raise AuditTamperedError("no key that is known here signed the last checkpoint")
        if not compare_digest(root, signed.checkpoint.root):
            raise AuditTamperedError("the tree is not that of the last checkpoint")
        return signed.checkpoint

    async def _build(
        self, before: Checkpoint | None, peaks: tuple[bytes, ...], moved: AsyncIterator[MovedHead]
    ) -> NewCheckpoint:
        tree = Tree(0 if before is None else before.size, list(peaks))
        entries = 0 if before is None else before.entries
        async for one in moved:
            tree.append(leaf_of(one.head))
            entries += one.head.sequence - one.before
        checkpoint = Checkpoint(
            origin=self.signer.key.name,
            size=tree.size,
            root=tree.root(),
            number=1 if before is None else before.number + 1,
            at=self.clock.now(),
            entries=entries,
            previous=NO_CHECKPOINT if before is None else before.digest,
        )
        note = await self.signer.sign(checkpoint.text)
        return NewCheckpoint(self.ids.event_id(), SignedCheckpoint(checkpoint, note), tuple(tree.peaks))
