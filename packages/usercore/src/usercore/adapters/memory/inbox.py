"""Messages that have had their effect, and answers to those that were refused, in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.codec.rejections import rejection_message
from usercore.kernel.inbox import Inbox, MessageId, Receipt
from usercore.messaging.ports import Rejections
from usercore.messaging.values import RejectedCommand


@frozen
class MemoryInbox:
    """Remembers messages."""

    database: MemoryDatabase

    async def known(self, messages: Sequence[MessageId]) -> Mapping[MessageId, Receipt]:
        """Return the receipts of those messages that have had their effect."""
        inbox = self.database.inbox
        return {message: inbox[message].receipt for message in messages if message in inbox}

    async def record(self, receipts: Sequence[Receipt], *, at: datetime) -> None:
        """Remember messages that turned out to change nothing."""
        for receipt in receipts:
            self.database.receive(receipt, at=at)

    async def purge(self, before: datetime) -> int:
        """Forget receipts older than `before`, and return how many went."""
        old = [message for message, row in self.database.inbox.items() if row.received_at < before]
        for message in old:
            del self.database.inbox[message]
        return len(old)


@frozen
class MemoryRejections:
    """Answers commands that were refused."""

    database: MemoryDatabase

    async def reject(self, commands: Sequence[RejectedCommand]) -> None:
        """Write for each its receipt and its answer."""
        for command in commands:
            if self.database.receive(command.receipt, at=command.at):
                position = self.database.next_position()
                self.database.outbox.append(rejection_message(command, position=position))


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _inbox: Inbox = MemoryInbox(_database)
    _rejections: Rejections = MemoryRejections(_database)
