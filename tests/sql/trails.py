"""An audit trail to be tampered with: users with a life, operators who looked, and checkpoints outside the database."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from attrs import define, evolve, field

from tests.builders import IDS, OPERATOR, SetClock, a_profile, creation, deactivation, update
from tests.keys import MASTER_KEYS
from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.adapters.local.checkpoints import CheckpointFile, read_notes
from usercore.adapters.sql import Database, SqlPorts, sql_ports
from usercore.audit.findings import AuditReport
from usercore.audit.make_checkpoint import MakeCheckpoint
from usercore.audit.record_reads import RecordReads
from usercore.audit.verify_audit import VerifyAudit, VerifyCommand
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.users.model import User

LOOK = CommandContext(OPERATOR, correlation_id="look-1")


@define
class Trail:
    """One trail, over a database."""

    database: Database
    file: Path
    signer: Ed25519Signer = field(factory=lambda: Ed25519Signer.generate("tests"))
    clock: SetClock = field(factory=SetClock)
    users: dict[UserId, User] = field(factory=dict)

    @property
    def ports(self) -> SqlPorts:
        return sql_ports(self.database, MASTER_KEYS)

    @property
    def verifier(self) -> Ed25519Verifier:
        return Ed25519Verifier([self.signer.key])

    @property
    def make(self) -> MakeCheckpoint:
        publisher = CheckpointFile(self.file)
        return MakeCheckpoint(self.ports.checkpoints, self.signer, self.verifier, publisher, self.clock, IDS)

    @property
    def reads(self) -> RecordReads:
        return RecordReads(self.ports.trail, self.ports.listings, self.clock, IDS)

    async def checkpoint(self) -> None:
        assert await self.make() is not None
        self.clock.advance(minutes=10)

    async def verify(self, user_id: UserId | None = None) -> AuditReport:
        """Verify by the file of checkpoints, as long as there is one."""
        published = (lambda: list(read_notes(self.file))) if self.file.exists() else None
        later = evolve(self.clock, time=self.clock.time + timedelta(days=1))
        verify = VerifyAudit(self.ports.archive, self.ports.checkpoints, self.verifier, later)
        return await verify(VerifyCommand(user_id, published))

    async def born(self, count: int) -> Sequence[UserId]:
        """Create users."""
        changes = [creation(a_profile()) for _ in range(count)]
        assert await self.ports.writer.commit(changes) == [None] * count
        self.users |= {change.user.id: change.user for change in changes}
        return [change.user.id for change in changes]

    async def live(self, user_id: UserId, steps: int) -> None:
        """Change a user so often, and look at them in between."""
        for step in range(steps):
            change = update(self.users[user_id], first_name=f"Grace {step} {self.users[user_id].version}")
            assert await self.ports.writer.commit([change]) == [None]
            self.users[user_id] = change.user
            if step % 2:
                await self.reads(user_id, ("profile", "history"), LOOK)

    async def end(self, user_id: UserId) -> None:
        """Deactivate a user."""
        change = deactivation(self.users[user_id])
        assert await self.ports.writer.commit([change]) == [None]
        self.users[user_id] = change.user
