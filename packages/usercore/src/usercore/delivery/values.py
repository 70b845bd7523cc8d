"""What is to be told to whom."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret


class Recipient(StrEnum):
    """The services that must hear of a change."""

    AUTHENTICATION = "AUTHENTICATION"
    NOTIFICATION = "NOTIFICATION"
    AUDIT = "AUDIT"


class Operation(StrEnum):
    """What a recipient is asked to do."""

    PROVISION_CREDENTIAL = "PROVISION_CREDENTIAL"
    CHANGE_LOGIN = "CHANGE_LOGIN"
    DISABLE_CREDENTIAL = "DISABLE_CREDENTIAL"
    ENABLE_CREDENTIAL = "ENABLE_CREDENTIAL"
    SEND_WELCOME = "SEND_WELCOME"
    SEND_INVITATION = "SEND_INVITATION"
    SEND_PAYMENT_FAILED = "SEND_PAYMENT_FAILED"
    REMOVE_CREDENTIAL = "REMOVE_CREDENTIAL"
    FORGET_USER = "FORGET_USER"
    RECORD_ENTRY = "RECORD_ENTRY"


@frozen
class Delivery:
    """One thing that one recipient must be told, until it acknowledges.

    The event's id and the recipient make it unique, and serve as its idempotency key.

    Args:
        event_id: the change or the fact that caused it.
        recipient: who.
        operation: what is asked.
        user_id: about whom.
        payload: JSON object, camelCase; emptied once acknowledged.
        secret: the Argon2id hash for a credential; dropped once acknowledged.
        created_at: aware, UTC.
        attempts: how often it was tried before.
    """

    event_id: EventId
    recipient: Recipient
    operation: Operation
    user_id: UserId
    payload: Mapping[str, object] = field(repr=False)
    secret: Secret | None
    created_at: datetime
    attempts: int = 0
