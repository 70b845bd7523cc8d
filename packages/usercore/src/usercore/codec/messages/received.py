"""The messages that others send us, as their schemas say.

What stands here is the catalogue's, field for field. Limits of our own that the catalogue does not know (on ids and on
money, which a database must keep) stand here as well, so that the published schemas tell of them; what only the domain
can judge (email, phone, blank names, long passwords) is judged there.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from usercore.activity.facts import COUNT_MAX, ERROR_CODE_MAX_CHARS, FACT_ID_MAX_CHARS, POINTS_REASON_MAX_CHARS
from usercore.codec.messages.numbers import Amount, Price
from usercore.kernel.ids import USER_ID_MAX_CHARS
from usercore.users.values import ADDRESS_MAX_CHARS, PASSWORD_MIN_CHARS, REASON_MAX_CHARS

NAME_IN_UPDATE_MAX_CHARS: Final = 50
"""Source: the event catalogue's UpdateUser schema."""

UserIdText = Annotated[str, Meta(min_length=1, max_length=USER_ID_MAX_CHARS, description="A user's id.")]
Email = Annotated[str, Meta(extra_json_schema={"format": "email"})]
Phone = Annotated[str, Meta(pattern=r"^\+?[1-9][0-9]{1,14}$", description="E.164; the plus sign may be left out.")]
Text = Annotated[str, Meta(min_length=1)]
NewName = Annotated[str, Meta(min_length=1, max_length=NAME_IN_UPDATE_MAX_CHARS)]
FactId = Annotated[str, Meta(min_length=1, max_length=FACT_ID_MAX_CHARS)]
ErrorCode = Annotated[str, Meta(min_length=1, max_length=ERROR_CODE_MAX_CHARS)]
# Bounded in length too: Python's `$` would let a line break pass.
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern="^[A-Z]{3}$", description="ISO 4217 code.")]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]


class CreateUser(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Create a user."""

    email: Email
    first_name: Text
    last_name: Text
    password: Annotated[
        str, Meta(min_length=PASSWORD_MIN_CHARS, extra_json_schema={"format": "password", "writeOnly": True})
    ]
    phone_number: Phone | UnsetType = UNSET

    def __repr__(self) -> str:
        """Hide everything, the password above all."""
        return "CreateUser(...)"


class AddressChange(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Parts of a postal address; those left out stay as they are."""

    street: Annotated[str, Meta(max_length=ADDRESS_MAX_CHARS["street"])] | UnsetType = UNSET
    city: Annotated[str, Meta(max_length=ADDRESS_MAX_CHARS["city"])] | UnsetType = UNSET
    state: Annotated[str, Meta(max_length=ADDRESS_MAX_CHARS["state"])] | UnsetType = UNSET
    postal_code: Annotated[str, Meta(max_length=ADDRESS_MAX_CHARS["postal_code"])] | UnsetType = UNSET
    country: Annotated[str, Meta(max_length=ADDRESS_MAX_CHARS["country"])] | UnsetType = UNSET


class UpdateUser(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Change fields of a user's profile; those left out stay as they are."""

    user_id: UserIdText
    first_name: NewName | UnsetType = UNSET
    last_name: NewName | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone_number: Phone | UnsetType = UNSET
    address: AddressChange | UnsetType = UNSET


class DeactivateUser(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Deactivate a user."""

    user_id: UserIdText
    reason: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=REASON_MAX_CHARS,
                description="USER_REQUESTED, ADMINISTRATIVE_ACTION, SECURITY_VIOLATION, INACTIVITY, or free text, "
                "which becomes the notes.",
            ),
        ]
        | UnsetType
    ) = UNSET


class GetUser(Struct, rename="camel", kw_only=True):
    """Ask for a user, by exactly one of id, email and username; the answer goes to the topic in `reply-to`."""

    id: UserIdText | UnsetType = UNSET
    email: Text | UnsetType = UNSET
    username: Text | UnsetType = UNSET


class GetUserEmailPreferences(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Ask for a user's email preferences; the answer goes to the topic in `reply-to`."""

    user_id: UserIdText


class Money(Struct, rename="camel", kw_only=True):
    """An amount of money."""

    value: Amount
    currency: Currency


class PaymentFailed(Struct, rename="camel", kw_only=True):
    """A payment for an order failed. Whose it was is known from the order."""

    payment_id: FactId
    order_id: FactId
    error_code: ErrorCode
    error_message: str
    timestamp: Time
    amount: Money | UnsetType = UNSET


class PaymentMethod(Struct, rename="camel", kw_only=True):
    """How was paid."""

    type: str | UnsetType = UNSET
    last4: str | UnsetType = UNSET


class PaymentSucceeded(Struct, rename="camel", kw_only=True):
    """A payment went through."""

    payment_id: FactId
    amount: Amount
    currency: Currency
    timestamp: Time
    status: Literal["succeeded"]
    order_id: FactId | UnsetType = UNSET
    payment_method: PaymentMethod | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class OrderItem(Struct, rename="camel", kw_only=True):
    """Some pieces of one product."""

    product_id: str
    quantity: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    price: Price


class OrderPlaced(Struct, rename="camel", kw_only=True):
    """A user placed an order. Where `customerId` is missing, `userId` stands in; for `createdAt`, `placedAt`."""

    order_id: FactId
    customer_id: UserIdText | UnsetType = UNSET
    user_id: UserIdText | UnsetType = UNSET
    items: list[OrderItem]
    total_amount: Amount
    created_at: Time | UnsetType = UNSET
    placed_at: Time | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class LoyaltyPointsEarned(Struct, rename="camel", kw_only=True):
    """A user earned points. Where `userId` is missing, `customerId` stands in; for `timestamp`, `earnedAt`."""

    user_id: UserIdText | UnsetType = UNSET
    customer_id: UserIdText | UnsetType = UNSET
    points: Annotated[int, Meta(gt=0, le=COUNT_MAX)]
    timestamp: Time | UnsetType = UNSET
    earned_at: Time | UnsetType = UNSET
    order_id: FactId | UnsetType = UNSET
    reason: Annotated[str, Meta(max_length=POINTS_REASON_MAX_CHARS)] | UnsetType = UNSET
    transaction_id: FactId | UnsetType = UNSET
