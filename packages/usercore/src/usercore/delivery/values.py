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
    REMOVE_CREDENTIAL = "REMOVE_CREDENTIAL"
    SEND_WELCOME = "SEND_WELCOME"
    SEND_INVITATION = "SEND_INVITATION"
    SEND_VERIFICATION = "SEND_VERIFICATION"
    SEND_PAYMENT_FAILED = "SEND_PAYMENT_FAILED"
    SEND_EMAIL_CHANGED = "SEND_EMAIL_CHANGED"
    SEND_INACTIVITY_NOTICE = "SEND_INACTIVITY_NOTICE"
    FORGET_USER = "FORGET_USER"
    SEND_PRIVACY_ANSWER = "SEND_PRIVACY_ANSWER"
    RECORD_ENTRY = "RECORD_ENTRY"
    RECORD_CHECKPOINT = "RECORD_CHECKPOINT"


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
        secret: the Argon2id hash for a credential, or code and token of a verification as a JSON object; dropped once
            acknowledged.
        created_at: aware, UTC.
        attempts: how often it was tried before.
        traceparent: W3C Trace Context of what caused it, where there is a trace.
    """

    event_id: EventId
    recipient: Recipient
    operation: Operation
    user_id: UserId
    payload: Mapping[str, object] = field(repr=False)
    secret: Secret | None
    created_at: datetime
    attempts: int = 0
    traceparent: str | None = None

    @property
    def key(self) -> str:
        """The idempotency key, by which operators know it too."""
        return delivery_key(self.event_id, self.recipient)


def delivery_key(event_id: EventId, recipient: Recipient) -> str:
    """Return the one word that names a delivery."""
    return f"{event_id}:{recipient}"


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    DISCARDED = "DISCARDED"


@frozen
class DeliveryLine:
    """A delivery as lists show it: all but its payload and its secret.

    Args:
        event_id: as in :class:`Delivery`; likewise recipient, operation, user_id, created_at and attempts.
        state: what became of it.
        due_at: when it is tried next, or was tried last; while somebody tells it, the end of the lease.
        error_code: what was wrong with the last try, or None.
        settled_at: when it was acknowledged, given up or discarded.
        settled_by: who discarded it.
        settled_reason: and why.
    """

    event_id: EventId
    recipient: Recipient
    operation: Operation
    user_id: UserId
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    attempts: int
    error_code: str | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    settled_reason: str | None = None

    @property
    def key(self) -> str:
        """The idempotency key, by which operators know it too."""
        return delivery_key(self.event_id, self.recipient)


@frozen
class DeliveryFilter:
    """Which deliveries to list; conditions combine, and None is none."""

    state: DeliveryState | None = None
    recipient: Recipient | None = None
    user_id: UserId | None = None


@frozen
class DeliveryStanding:
    """How things stand between us and one recipient.

    Args:
        recipient: who.
        waiting: how many deliveries it has not acknowledged.
        failed: how many were given up, about which nobody has decided.
        oldest: when the first of those that wait was made, or None.
    """

    recipient: Recipient
    waiting: int
    failed: int
    oldest: datetime | None
