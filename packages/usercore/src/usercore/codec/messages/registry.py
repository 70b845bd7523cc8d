"""Every message that we read, by topic."""

from collections.abc import Iterable, Mapping
from typing import Final

from usercore.codec.messages import received
from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.values import MessageKind

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
"""What others send us. Where one of several names will do, the catalogue's stands first."""


def _by_topic(contracts: Iterable[Contract]) -> Mapping[str, Contract]:
    return {contract.topic: contract for contract in contracts}


BY_TOPIC: Final = _by_topic(RECEIVED)
BY_NAME: Final = {contract.name: contract for contract in RECEIVED}
