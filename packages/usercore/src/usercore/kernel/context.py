"""Who asks for something, and because of what."""

from enum import StrEnum

from attrs import field, frozen

from usercore.kernel.inbox import Receipt
from usercore.kernel.receipts import Claim


class ActorKind(StrEnum):
    """What sort of caller acts."""

    USER = "USER"
    SERVICE = "SERVICE"
    OPERATOR = "OPERATOR"
    SYSTEM = "SYSTEM"


@frozen
class Actor:
    """Who acts: a user, another service, an operator at the keyboard, or this service itself.

    Args:
        kind: what sort of caller.
        id: the user's id, the service's name or the operator's login.
    """

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        """Return ``KIND:id``, as it stands in message headers."""
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Actor":
        """Read what :meth:`__str__` wrote.

        Raises:
            ValueError: the text is of another form.
        """
        kind, separator, ident = text.partition(":")
        if not separator:
            message = "an actor is written KIND:id"
            raise ValueError(message)
        return cls(ActorKind(kind), ident)


SYSTEM = Actor(ActorKind.SYSTEM, "user-service")
"""This service, acting of its own accord (a suspension that has run out)."""


@frozen
class CommandContext:
    """The circumstances of one command, kept with everything it causes.

    Args:
        actor: who asks.
        correlation_id: names the whole conversation, across services.
        causation_id: names the one message or request that caused this.
        traceparent: W3C Trace Context header of the caller, where there is one.
        claim: the reserved idempotency key that the change settles, where there is one.
        receipt: the message that asks, which the change remembers in the inbox, where there is one.
        for_privacy: whoever asks manages privacy, so that data which is restricted may be changed.
        privacy_request: the privacy request that it is done for; then neither a restriction nor a deactivation is in
            the way.
    """

    actor: Actor
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None
    claim: Claim | None = field(default=None, kw_only=True)
    receipt: Receipt | None = field(default=None, kw_only=True)
    for_privacy: bool = field(default=False, kw_only=True)
    privacy_request: str | None = field(default=None, kw_only=True)
