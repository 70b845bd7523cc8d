"""The answer to a command that was refused, as an event."""

from typing import Final
from uuid import UUID, uuid5

from usercore.codec.events import event_headers
from usercore.codec.scalars import compact, kebab
from usercore.delivery.ports import OutboxMessage
from usercore.kernel.ids import UserId
from usercore.kernel.inbox import MessageId
from usercore.messaging.values import RejectedCommand

MESSAGE: Final = "UserCommandRejected"
COMMAND: Final = "command"
"""The outbox's word for what is no event of a user."""
_NAMESPACE: Final = UUID("7a1c1f0e-5d0b-4f0e-9d58-0d2f6a6c1b5e")


def rejection_message(command: RejectedCommand, *, position: int) -> OutboxMessage:
    """Return the answer to a refused command, as the outbox holds it.

    It is about the user that the command named; where it named none, about the command itself.
    """
    message = command.receipt.message
    subject = command.user_id or message.id
    return OutboxMessage(
        position=position,
        event_id=command.event_id,
        message=MESSAGE,
        user_id=UserId(aggregate_of(message)),
        sequence=1,
        occurred_at=command.at,
        payload=compact({"command": command.command, "commandId": message.id, "problem": command.problem}),
        headers=(("ce_subject", subject), *event_headers(command.context)),
        aggregate=COMMAND,
        topic=kebab(MESSAGE),
    )


def aggregate_of(message: MessageId) -> str:
    """Return a UUID that stands for a message, always the same."""
    return str(uuid5(_NAMESPACE, f"{message.topic}\n{message.source}\n{message.id}"))
