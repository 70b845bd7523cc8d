"""Which change, and which fact, is told to whom."""

import json
from collections.abc import Iterator, Mapping

from attrs import frozen

from usercore.activity.facts import PaymentFailed
from usercore.activity.ports import NewFact
from usercore.activity.values import Money
from usercore.audit.entry import AuditEntry, entry_of, entry_of_start
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.secret import Secret
from usercore.users.events import (
    UserCreated,
    UserDeactivated,
    UserErased,
    UserMerged,
    UserMergeUndone,
    UserReactivated,
    UserUpdated,
)
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.values import AccountState, EmailAddress, VerificationChannel
from usercore.verification.ports import NewVerification
from usercore.verification.records import VerificationRecord


def deliveries_of(change: Change) -> tuple[Delivery, ...]:
    """Return what the services around us must be told of a change, in order."""
    return tuple(_routes(change))


def deliveries_of_fact(new: NewFact, user: User) -> tuple[Delivery, ...]:
    """Return what the services around us must be told of a fact about a user.

    A failed payment concerns the contract: the user hears of it whatever their email preferences say.
    """
    fact = new.fact
    if not isinstance(fact, PaymentFailed):
        return ()
    payload = {
        "orderId": fact.order_id,
        "paymentId": fact.payment_id,
        "errorCode": fact.error_code,
        "amount": _money(fact.amount),
        "email": user.profile.email.address,
        "firstName": user.profile.first_name,
        "locale": user.profile.locale,
    }
    return (
        Delivery(
            event_id=new.event_id,
            recipient=Recipient.NOTIFICATION,
            operation=Operation.SEND_PAYMENT_FAILED,
            user_id=user.id,
            payload=payload,
            secret=None,
            created_at=new.recorded_at,
            traceparent=new.context.traceparent,
        ),
    )


def deliveries_of_verification(new: NewVerification) -> tuple[Delivery, ...]:
    """Return the message with the code and the link that prove a contact, and what the AuditService must keep."""
    verification, profile = new.verification, new.user.profile
    phone = verification.channel is VerificationChannel.PHONE
    payload = {
        "verificationId": verification.id,
        "channel": verification.channel.value,
        **({"phoneNumber": profile.phone_number} if phone else {"email": profile.email.address}),
        "firstName": profile.first_name,
        "locale": profile.locale,
        "expiresAt": verification.code_expires_at and verification.code_expires_at.isoformat(),
        "linkExpiresAt": verification.link_expires_at and verification.link_expires_at.isoformat(),
    }
    return (
        Delivery(
            event_id=verification.id,
            recipient=Recipient.NOTIFICATION,
            operation=Operation.SEND_VERIFICATION,
            user_id=verification.user_id,
            payload=payload,
            secret=_secret({"code": new.code.reveal(), "token": new.token.reveal()}),
            created_at=verification.started_at,
            traceparent=new.context.traceparent,
        ),
        Delivery(
            event_id=verification.id,
            recipient=Recipient.AUDIT,
            operation=Operation.RECORD_ENTRY,
            user_id=verification.user_id,
            payload=_entry(entry_of_start(new)),
            secret=None,
            created_at=verification.started_at,
            traceparent=new.context.traceparent,
        ),
    )


def _secret(members: Mapping[str, str]) -> Secret:
    return Secret(json.dumps(members, separators=(",", ":")))


def _money(amount: Money | None) -> Mapping[str, object] | None:
    return None if amount is None else {"value": amount.digits, "currency": amount.currency}


def _routes(change: Change) -> Iterator[Delivery]:
    tell = _Teller(change)
    login: dict[str, object] = {
        "email": change.user.profile.email.address,
        "username": change.user.profile.username,
    }
    match change.event:
        case UserCreated():
            yield from _welcome(change, tell, login)
        case UserUpdated(values=values) if not values.keys().isdisjoint({"email", "username"}):
            yield tell(Recipient.AUTHENTICATION, Operation.CHANGE_LOGIN, login)
            yield from _farewell(change, tell)
        case UserDeactivated():
            yield tell(Recipient.AUTHENTICATION, Operation.DISABLE_CREDENTIAL, {})
        case UserReactivated():
            yield tell(Recipient.AUTHENTICATION, Operation.ENABLE_CREDENTIAL, {})
        case UserMerged(merged_user_id=merged) if change.user.id == merged:
            # A sign-in name that the survivor has now is no other credential's any more.
            named = not {one.field for one in change.changes}.isdisjoint({"email", "username"})
            away = Operation.REMOVE_CREDENTIAL if named else Operation.DISABLE_CREDENTIAL
            yield tell(Recipient.AUTHENTICATION, away, {})
        case UserMergeUndone(merged_user_id=merged) if change.user.id == merged:
            yield from _return(change, tell, login)
        case UserErased():
            yield tell(Recipient.AUTHENTICATION, Operation.REMOVE_CREDENTIAL, {})
            yield tell(Recipient.NOTIFICATION, Operation.FORGET_USER, {})
    yield tell(Recipient.AUDIT, Operation.RECORD_ENTRY, _entry(entry_of(change)))


def _return(change: Change, tell: "_Teller", login: Mapping[str, object]) -> Iterator[Delivery]:
    """Yield what lets an account sign in again that comes back from a merge, if it could before."""
    active = change.user.status.state is AccountState.ACTIVE
    if not {one.field for one in change.changes}.isdisjoint({"email", "username"}):
        # Its credential had to go with its sign-in name, and the password with it.
        yield tell(Recipient.AUTHENTICATION, Operation.PROVISION_CREDENTIAL, {**login, "enabled": active})
        if active:
            yield tell(Recipient.NOTIFICATION, Operation.SEND_INVITATION, _letter(change.user))
    elif active:
        yield tell(Recipient.AUTHENTICATION, Operation.ENABLE_CREDENTIAL, {})


def _letter(user: User) -> Mapping[str, object]:
    profile = user.profile
    return {"email": profile.email.address, "firstName": profile.first_name, "locale": profile.locale}


def _welcome(change: Change, tell: "_Teller", login: Mapping[str, object]) -> Iterator[Delivery]:
    hashed = change.credential.password_hash if change.credential else None
    yield tell(Recipient.AUTHENTICATION, Operation.PROVISION_CREDENTIAL, login, hashed)
    if not _is_announced(change):
        return
    invite = Operation.SEND_INVITATION if hashed is None else Operation.SEND_WELCOME
    yield tell(Recipient.NOTIFICATION, invite, _letter(change.user), _link_of(change))


def _is_announced(change: Change) -> bool:
    return change.credential is None or change.credential.announced


def _link_of(change: Change) -> Secret | None:
    """Return the token by which a new user can prove their email, where there is one."""
    tokens = (one.token for one in change.records if isinstance(one, VerificationRecord))
    token = next(tokens, None)
    return None if token is None else _secret({"verificationToken": token.reveal()})


def _farewell(change: Change, tell: "_Teller") -> Iterator[Delivery]:
    """Yield a letter to the address before, whose owner may be the only one to notice that an account was taken over.

    It is the last that goes there, and does not say where the others go. Another way of writing the same address
    is no other address.
    """
    after = change.user.profile.email
    if not _is_announced(change):
        return
    for one in change.changes:
        before = one.before
        if isinstance(before, EmailAddress) and before.canonical != after.canonical:
            letter = {
                "email": before.address,
                "firstName": change.user.profile.first_name,
                "locale": change.user.profile.locale,
            }
            yield tell(Recipient.NOTIFICATION, Operation.SEND_EMAIL_CHANGED, letter)


@frozen
class _Teller:
    """Makes deliveries of one change."""

    change: Change

    def __call__(
        self,
        recipient: Recipient,
        operation: Operation,
        payload: Mapping[str, object],
        secret: Secret | None = None,
    ) -> Delivery:
        return Delivery(
            event_id=self.change.event_id,
            recipient=recipient,
            operation=operation,
            user_id=self.change.user.id,
            payload=payload,
            secret=secret,
            created_at=self.change.user.updated_at,
            traceparent=self.change.context.traceparent,
        )


def _entry(entry: AuditEntry) -> Mapping[str, object]:
    return {
        "userId": entry.user_id,
        "version": entry.version,
        "eventId": entry.event_id,
        "at": entry.at.isoformat(),
        "actor": str(entry.actor),
        "action": entry.action,
        "fields": list(entry.fields),
        "correlationId": entry.correlation_id,
        "causationId": entry.causation_id,
    }
