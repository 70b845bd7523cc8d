"""From the fields of a message to what it asks for, or tells."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from usercore.activity import facts
from usercore.activity.values import Money
from usercore.codec.messages import received
from usercore.codec.messages.errors import PayloadInvalidError
from usercore.codec.messages.values import PreferencesOf, Request
from usercore.codec.times import in_utc
from usercore.kernel.errors import InvalidError, Violation
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET, Unset
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand

V = TypeVar("V")


def request_of(message: msgspec.Struct, message_id: str) -> Request:
    """Return what a message asks for, or tells.

    Args:
        message: its fields.
        message_id: names a fact that has no id of its own.

    Raises:
        PayloadInvalidError: its fields do not go together.
    """
    try:
        return _MAKERS[type(message)](message, message_id)
    except PayloadInvalidError:
        raise
    except InvalidError as error:
        raise PayloadInvalidError(error.detail, violations=error.violations) from None


def _create(message: received.CreateUser, _: str) -> CreateUserCommand:
    profile = ProfilePatch(
        email=message.email,
        first_name=message.first_name,
        last_name=message.last_name,
        phone_number=_patch(message.phone_number),
    )
    return CreateUserCommand(profile, Secret(message.password))


def _update(message: received.UpdateUser, _: str) -> UpdateUserCommand:
    patch = ProfilePatch(
        email=_patch(message.email),
        first_name=_patch(message.first_name),
        last_name=_patch(message.last_name),
        phone_number=_patch(message.phone_number),
        address=UNSET if message.address is msgspec.UNSET else _address(message.address),
    )
    return UpdateUserCommand(UserId(message.user_id), patch)


def _address(change: received.AddressChange) -> AddressPatch:
    return AddressPatch(
        street=_patch(change.street),
        city=_patch(change.city),
        state=_patch(change.state),
        postal_code=_patch(change.postal_code),
        country=_patch(change.country),
    )


def _deactivate(message: received.DeactivateUser, _: str) -> DeactivateUserCommand:
    return DeactivateUserCommand(UserId(message.user_id), reason=_given(message.reason))


def _named(message: received.GetUser, _: str) -> UserNamed:
    ident = _given(message.id)
    return UserNamed(
        user_id=None if ident is None else UserId(ident),
        email=_given(message.email),
        username=_given(message.username),
    )


def _preferences_of(message: received.GetUserEmailPreferences, _: str) -> PreferencesOf:
    return PreferencesOf(UserId(message.user_id))


def _failed(message: received.PaymentFailed, _: str) -> facts.PaymentFailed:
    amount = _given(message.amount)
    return facts.PaymentFailed(
        payment_id=message.payment_id,
        order_id=message.order_id,
        error_code=message.error_code,
        amount=None if amount is None else Money(amount.value.value, amount.currency),
        at=_time("timestamp", message.timestamp),
    )


def _succeeded(message: received.PaymentSucceeded, _: str) -> facts.PaymentSucceeded:
    return facts.PaymentSucceeded(
        payment_id=message.payment_id,
        order_id=_given(message.order_id),
        amount=Money(message.amount.value, message.currency),
        at=_time("timestamp", message.timestamp),
    )


def _placed(message: received.OrderPlaced, _: str) -> facts.OrderPlaced:
    return facts.OrderPlaced(
        order_id=message.order_id,
        user_id=UserId(_either(message.customer_id, message.user_id)),
        total=Money(message.total_amount.value, _given(message.currency)),
        items=sum(item.quantity for item in message.items),
        at=_either(*_times(("createdAt", message.created_at), ("placedAt", message.placed_at))),
    )


def _earned(message: received.LoyaltyPointsEarned, message_id: str) -> facts.PointsEarned:
    return facts.PointsEarned(
        fact_id=_given(message.transaction_id) or message_id,
        user_id=UserId(_either(message.user_id, message.customer_id)),
        points=message.points,
        order_id=_given(message.order_id),
        reason=_given(message.reason) or None,
        at=_either(*_times(("timestamp", message.timestamp), ("earnedAt", message.earned_at))),
    )


_MAKERS: Final[Mapping[type, Callable[[Any, str], Request]]] = {
    received.CreateUser: _create,
    received.UpdateUser: _update,
    received.DeactivateUser: _deactivate,
    received.GetUser: _named,
    received.GetUserEmailPreferences: _preferences_of,
    received.PaymentFailed: _failed,
    received.PaymentSucceeded: _succeeded,
    received.OrderPlaced: _placed,
    received.LoyaltyPointsEarned: _earned,
}


def _given(value: V | msgspec.UnsetType) -> V | None:
    return None if value is msgspec.UNSET else value


def _patch(value: V | msgspec.UnsetType) -> V | Unset:
    return UNSET if value is msgspec.UNSET else value


def _either(one: V | msgspec.UnsetType, other: V | msgspec.UnsetType) -> V:
    """Return what one of two names says; that one of them is given has been checked."""
    said = other if one is msgspec.UNSET else one
    if said is msgspec.UNSET:
        raise _invalid("", "required", "give a value")
    return said


def _times(*named: tuple[str, datetime | msgspec.UnsetType]) -> list[datetime | msgspec.UnsetType]:
    return [at if at is msgspec.UNSET else _time(name, at) for name, at in named]


def _time(name: str, at: datetime) -> datetime:
    try:
        return in_utc(at)
    except ValueError:
        raise _invalid(name, "not_a_time", "give a time between the years 1 and 9999") from None


def _invalid(name: str, code: str, detail: str) -> PayloadInvalidError:
    return PayloadInvalidError(violations=(Violation((name,) if name else (), code, detail),))
