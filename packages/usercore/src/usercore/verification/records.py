"""Rows about verifications that are written together with a change of the user."""

from collections.abc import Iterator
from datetime import datetime

from attrs import field, frozen

from usercore.kernel.events import Record
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.users.ports import Change
from usercore.users.values import AccountState, EmailAddress, VerificationChannel
from usercore.verification.values import Verification


@frozen
class VerificationRecord(Record):
    """A verification to be kept.

    Args:
        verification: itself.
        token: what the link carries, where it is sent with the change's own message.
    """

    verification: Verification
    token: Secret | None = field(default=None)


@frozen
class VerificationConfirmed(Record):
    """A pending verification that has served its purpose."""

    verification_id: EventId
    channel: VerificationChannel


@frozen
class Settlement:
    """The end of a user's pending verifications.

    Args:
        user_id: whose.
        channel: of which channel; None means all of them.
        confirmed: the one among them that was confirmed; the others are cancelled.
        at: aware, UTC.
    """

    user_id: UserId
    channel: VerificationChannel | None
    confirmed: EventId | None
    at: datetime


def settlements_of(change: Change) -> Iterator[Settlement]:
    """Yield which pending verifications a change ends.

    Those of a contact end with it, all of them with the account's activity, and those of a channel when one is
    confirmed.
    """
    user = change.user
    if user.version == 1:
        return
    if user.status.state is not AccountState.ACTIVE:
        yield Settlement(user.id, None, None, user.updated_at)
        return
    for one in change.changes:
        if one.field in _CONTACTS and _contact(one.before) != _contact(one.after):
            yield Settlement(user.id, _CONTACTS[one.field], None, user.updated_at)
    for record in change.records:
        if isinstance(record, VerificationConfirmed):
            yield Settlement(user.id, record.channel, record.verification_id, user.updated_at)


_CONTACTS = {"email": VerificationChannel.EMAIL, "phone_number": VerificationChannel.PHONE}


def _contact(value: object) -> object:
    return value.canonical if isinstance(value, EmailAddress) else value
