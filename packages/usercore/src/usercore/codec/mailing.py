"""Unsubscription and suppression on the wire."""

from collections.abc import Sequence

from usercore.codec.scalars import timestamp
from usercore.privacy.mailing.links import header_values
from usercore.privacy.mailing.values import MailPermission, Suppression


def permission_object(permission: MailPermission) -> dict[str, object]:
    """Return whether a user may be written to as a JSON object."""
    url = permission.unsubscribe_url
    return {
        "userId": permission.user_id,
        "topic": permission.topic,
        "allowed": permission.allowed,
        "refusal": permission.refusal and permission.refusal.value,
        "headers": None if url is None else header_values(url),
    }


def suppressions_object(reasons: Sequence[Suppression]) -> dict[str, object]:
    """Return the reasons against an address as a JSON object."""
    return {
        "suppressed": bool(reasons),
        "reasons": [
            {"reason": one.reason.value, "since": timestamp(one.since), "source": one.source} for one in reasons
        ],
    }
