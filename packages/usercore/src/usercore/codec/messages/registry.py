"""Every message that we read or publish."""

from collections.abc import Mapping
from typing import Final

from usercore.codec.messages import published, received
from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.values import MessageKind
from usercore.delivery.topics import AUDIT_CHECKPOINTS, PROFILES

RECEIVED: Final[tuple[Contract, ...]] = (
    Contract("CreateUser", MessageKind.COMMAND, received.CreateUser),
    Contract("UpdateUser", MessageKind.COMMAND, received.UpdateUser),
    Contract("DeactivateUser", MessageKind.COMMAND, received.DeactivateUser),
    Contract("GetUser", MessageKind.QUERY, received.GetUser, one_of=(("id", "email", "username"),)),
    Contract("GetUserEmailPreferences", MessageKind.QUERY, received.GetUserEmailPreferences),
    Contract("PaymentFailed", MessageKind.EVENT, received.PaymentFailed),
    Contract("PaymentSucceeded", MessageKind.EVENT, received.PaymentSucceeded),
    Contract(
        "OrderPlaced",
        MessageKind.EVENT,
        received.OrderPlaced,
        any_of=(("customerId", "userId"), ("createdAt", "placedAt")),
    ),
    Contract(
        "LoyaltyPointsEarned",
        MessageKind.EVENT,
        received.LoyaltyPointsEarned,
        any_of=(("userId", "customerId"), ("timestamp", "earnedAt")),
    ),
)
"""What others send us."""


PUBLISHED: Final[tuple[Contract, ...]] = (
    Contract("UserCreated", MessageKind.EVENT, published.UserCreated),
    Contract("UserUpdated", MessageKind.EVENT, published.UserUpdated),
    Contract("UserDeactivated", MessageKind.EVENT, published.UserDeactivated),
    Contract("UserReactivated", MessageKind.EVENT, published.UserReactivated),
    Contract("UserEmailPreferencesUpdated", MessageKind.EVENT, published.UserEmailPreferencesUpdated),
    Contract("UserConsentChanged", MessageKind.EVENT, published.UserConsentChanged),
    Contract("UserVerified", MessageKind.EVENT, published.UserVerified),
    Contract("UserMerged", MessageKind.EVENT, published.UserMerged),
    Contract("UserMergeUndone", MessageKind.EVENT, published.UserMergeUndone),
    Contract("UserErased", MessageKind.EVENT, published.UserErased),
    Contract("UserCommandRejected", MessageKind.EVENT, published.UserCommandRejected),
    Contract("UsersImported", MessageKind.EVENT, published.UsersImported),
    Contract("UserProfile", MessageKind.STATE, published.UserProfile, topic=PROFILES, version="1.1.0"),
    Contract("AuditCheckpointMade", MessageKind.EVENT, published.AuditCheckpointMade, topic=AUDIT_CHECKPOINTS),
    Contract("UserEmailPreferences", MessageKind.REPLY, published.UserEmailPreferences),
    Contract("Problem", MessageKind.REPLY, published.Problem),
)
"""What we publish, and how we answer queries."""

REPLIES: Final[Mapping[str, tuple[str, ...]]] = {
    "GetUser": ("UserProfile", "Problem"),
    "GetUserEmailPreferences": ("UserEmailPreferences", "Problem"),
}
"""What a query may be answered with."""

BY_TOPIC: Final[Mapping[str | None, Contract]] = {contract.topic: contract for contract in RECEIVED}
BY_NAME: Final[Mapping[str, Contract]] = {contract.name: contract for contract in (*RECEIVED, *PUBLISHED)}
