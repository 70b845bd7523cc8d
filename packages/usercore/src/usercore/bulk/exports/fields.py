"""What of a user can be exported, by its place in the documents that the API serves."""

from collections.abc import Iterable
from typing import Final

from usercore.bulk.exports.errors import ExportInvalidError
from usercore.kernel.errors import Violation

PROFILE: Final = (
    "id",
    "username",
    "email",
    "firstName",
    "lastName",
    "phoneNumber",
    "address.street",
    "address.city",
    "address.state",
    "address.postalCode",
    "address.country",
    "locale",
    "timeZone",
    "birthDate",
    "attributes",
    "externalId",
    "status",
    "statusDetails.since",
    "statusDetails.reason",
    "statusDetails.notes",
    "statusDetails.until",
    "statusDetails.actor.kind",
    "statusDetails.actor.id",
    "verification.email.verified",
    "verification.email.verifiedAt",
    "verification.phone.verified",
    "verification.phone.verifiedAt",
    "verification.identity.verified",
    "verification.identity.verifiedAt",
    "restricted",
    "version",
    "createdAt",
    "updatedAt",
)
"""The leaves of a profile, in its order."""
EMAIL_PREFERENCES: Final = "emailPreferences"
"""What holds for each registered topic; its leaves depend on the topics."""
ACTIVITY: Final = "activity"
"""What orders, payments and points amount to."""
ACTIVITY_LEAVES: Final = (
    "activity.orders.count",
    "activity.orders.firstAt",
    "activity.orders.lastAt",
    "activity.orders.totals",
    "activity.payments.standing",
    "activity.payments.failures",
    "activity.payments.recovered",
    "activity.payments.lastFailureAt",
    "activity.loyalty.balance",
    "activity.loyalty.lifetime",
    "activity.loyalty.tier",
    "activity.loyalty.nextTier",
    "activity.loyalty.pointsToNextTier",
)
"""The leaves of the summary, in its order."""
PREFERENCE_LEAVES: Final = ("subscribed", "source", "updatedAt", "wordingVersion")
"""What an export tells of one topic."""


def chosen_fields(names: Iterable[str]) -> tuple[str, ...]:
    """Return the leaves that names stand for, each once, in the profile's order; no name: the whole profile.

    Args:
        names: leaves (``address.city``), or what has leaves below it (``address``); :data:`EMAIL_PREFERENCES` and
            :data:`ACTIVITY` as a whole.

    Raises:
        ExportInvalidError: there is no such field.
    """
    wanted = tuple(dict.fromkeys(names))
    if not wanted:
        return PROFILE
    known = (*PROFILE, EMAIL_PREFERENCES, ACTIVITY)
    strange = [place for place, name in enumerate(wanted, start=1) if not any(_belongs(leaf, name) for leaf in known)]
    if strange:
        detail = f"name fields of the profile, {EMAIL_PREFERENCES} or {ACTIVITY}; number {strange[0]} is none"
        raise ExportInvalidError(violations=(Violation(("fields",), "unknown_field", detail),))
    return tuple(leaf for leaf in known if any(_belongs(leaf, name) for name in wanted))


def _belongs(leaf: str, name: str) -> bool:
    return leaf == name or leaf.startswith(f"{name}.")
