"""A profile on the wire. PostgreSQL builds the same bytes from its columns; a test holds both equal."""

from datetime import datetime

from usercore.codec.scalars import actor, compact, optional_timestamp, timestamp
from usercore.users.model import AccountStatus, User, Verification
from usercore.users.ports import ProfileDocument
from usercore.users.values import Address


def profile_document(user: User) -> ProfileDocument:
    """Return a user's profile ready to be sent."""
    return ProfileDocument(user.id, user.version, user.status.state, render_profile(user))


def render_profile(user: User) -> bytes:
    """Return a user's profile as compact JSON in UTF-8."""
    return compact(profile_object(user))


def profile_object(user: User) -> dict[str, object]:
    """Return a user's profile as a JSON object, every field present."""
    profile = user.profile
    return {
        "id": user.id,
        "username": profile.username,
        "email": profile.email.address,
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "phoneNumber": profile.phone_number,
        "address": address_object(profile.address),
        "locale": profile.locale,
        "timeZone": profile.time_zone,
        "birthDate": profile.birth_date.isoformat() if profile.birth_date else None,
        "attributes": profile.attributes,
        "externalId": profile.external_id,
        "status": user.status.state.value,
        "statusDetails": status_details(user.status),
        "verification": verification_object(user.verification),
        "restricted": user.restricted,
        "version": user.version,
        "createdAt": timestamp(user.created_at),
        "updatedAt": timestamp(user.updated_at),
    }


def address_object(address: Address | None) -> dict[str, str | None] | None:
    """Return an address as a JSON object, every part present."""
    if address is None:
        return None
    return {
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "postalCode": address.postal_code,
        "country": address.country,
    }


def status_details(status: AccountStatus) -> dict[str, object]:
    """Return since when, by whom and why an account stands where it does; of one that was merged, into which."""
    details: dict[str, object] = {
        "since": timestamp(status.since),
        "reason": status.reason.value if status.reason else None,
        "notes": status.notes,
        "until": optional_timestamp(status.until),
        "actor": actor(status.actor),
    }
    return details if status.merged_into is None else {**details, "mergedInto": status.merged_into}


def verification_object(verification: Verification) -> dict[str, object]:
    """Return what has been verified, and when."""
    return {
        "email": _verified(verification.email),
        "phone": _verified(verification.phone),
        "identity": _verified(verification.identity),
    }


def _verified(at: datetime | None) -> dict[str, object]:
    return {"verified": at is not None, "verifiedAt": optional_timestamp(at)}
