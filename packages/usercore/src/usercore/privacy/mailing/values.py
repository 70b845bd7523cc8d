"""Why an address is not written to, and whether a user is."""

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from usercore.kernel.ids import UserId


class SuppressionReason(StrEnum):
    """Why an address must not be written to."""

    UNSUBSCRIBED = "UNSUBSCRIBED"
    """Its owner wants no mail of any topic; what they subscribe to later, they get."""
    ERASED = "ERASED"
    """Its owner was erased; who comes back, verifies it and subscribes gets what they subscribe to."""
    COMPLAINT = "COMPLAINT"
    """Its owner reported mail as spam."""
    BOUNCE = "BOUNCE"
    """Mail to it comes back for good."""
    OPERATOR = "OPERATOR"
    """An operator said so."""


@frozen
class Suppression:
    """One reason against an address.

    Args:
        reason: which.
        since: aware, UTC.
        source: who or what said so.
    """

    reason: SuppressionReason
    since: datetime
    source: str


@frozen
class Lifting:
    """How a suppression ended.

    Args:
        at: aware, UTC.
        by: who ended it.
        because: why.
    """

    at: datetime
    by: str
    because: str


class MailRefusal(StrEnum):
    """Why a user is not written to on a topic."""

    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    SUPPRESSED = "SUPPRESSED"
    NOT_ACTIVE = "NOT_ACTIVE"
    """The account is deactivated, or was merged into another."""
    RESTRICTED = "RESTRICTED"
    """The person asked that their data be kept and not otherwise used."""


@frozen
class MailPermission:
    """Whether a user may be written to on a topic, and how they end it.

    Args:
        user_id: whom.
        topic: the topic's name.
        refusal: why not, or None where they may be written to.
        unsubscribe_url: where one click ends it (RFC 8058), or None: the topic belongs to the contract, or nobody has
            said where this service is reached.
    """

    user_id: UserId
    topic: str
    refusal: MailRefusal | None
    unsubscribe_url: str | None

    @property
    def allowed(self) -> bool:
        """Whether they may be written to."""
        return self.refusal is None
