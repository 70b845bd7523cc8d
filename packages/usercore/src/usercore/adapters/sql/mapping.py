"""Between a user and its row."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from usercore.adapters.sql.engine import Row
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.users.model import AccountStatus, Profile, User, Verification
from usercore.users.values import AccountState, Address, DeactivationReason, EmailAddress

_HEX: Final = "[0-9a-f]"
CANONICAL_UUID: Final = f"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$"
"""What an id of ours looks like, as PostgreSQL's ``~`` tells."""
_UUID = re.compile(CANONICAL_UUID.strip("^$"), re.ASCII)

USER_COLUMNS: Final = (
    "id",
    "version",
    "username",
    "username_canonical",
    "email",
    "email_canonical",
    "first_name",
    "last_name",
    "phone_number",
    "address_street",
    "address_city",
    "address_state",
    "address_postal_code",
    "address_country",
    "locale",
    "time_zone",
    "birth_date",
    "attributes",
    "external_id",
    "state",
    "status_since",
    "status_actor_kind",
    "status_actor_id",
    "status_reason",
    "status_notes",
    "status_until",
    "email_verified_at",
    "phone_verified_at",
    "identity_verified_at",
    "restricted",
    "created_at",
    "updated_at",
    "merged_into",
)
"""The columns that make a user."""

_IDS: Final = frozenset({"id", "merged_into"})
USER_SELECT: Final = ", ".join(f"u.{name}::text" if name in _IDS else f"u.{name}" for name in USER_COLUMNS)
"""SQL for what :func:`user_of` reads, of a table ``users AS u``."""


def is_canonical(user_id: str) -> bool:
    """Return whether an id can be one of ours; no other is in the database."""
    return _UUID.fullmatch(user_id) is not None


def canonical_ids(ids: Sequence[UserId]) -> str | None:
    """Return those of the ids that can be ours as a PostgreSQL array, or None where there are none."""
    known = [user_id for user_id in ids if _UUID.fullmatch(user_id)]
    return "{" + ",".join(known) + "}" if known else None


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can hold a text at all; if not, no row has it."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def row_of(user: User) -> dict[str, Any]:
    """Return a user's row, and the words it is found by, as JSON holds them."""
    profile, status, verification = user.profile, user.status, user.verification
    address = profile.address or _NO_ADDRESS
    return {
        "id": user.id,
        "version": user.version,
        "username": profile.username,
        "username_canonical": profile.canonical_username,
        "email": profile.email.address,
        "email_canonical": profile.email.canonical,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "phone_number": profile.phone_number,
        "address_street": address.street,
        "address_city": address.city,
        "address_state": address.state,
        "address_postal_code": address.postal_code,
        "address_country": address.country,
        "locale": profile.locale,
        "time_zone": profile.time_zone,
        "birth_date": profile.birth_date and profile.birth_date.isoformat(),
        "attributes": profile.attributes,
        "external_id": profile.external_id,
        "state": status.state,
        "status_since": status.since.isoformat(),
        "status_actor_kind": status.actor.kind,
        "status_actor_id": status.actor.id,
        "status_reason": status.reason,
        "status_notes": status.notes,
        "status_until": _text(status.until),
        "email_verified_at": _text(verification.email),
        "phone_verified_at": _text(verification.phone),
        "identity_verified_at": _text(verification.identity),
        "restricted": user.restricted,
        "created_at": user.created_at.isoformat(),
        "updated_at": user.updated_at.isoformat(),
        "merged_into": status.merged_into,
        "search_words": profile.search_words,
    }


def user_of(row: Row) -> User:
    """Return the user in a row of :data:`USER_SELECT`."""
    (user_id, version, *said, state, since, actor_kind, actor_id, reason, notes, until) = row[:26]
    (email_verified, phone_verified, identity_verified, restricted, created_at, updated_at, merged_into) = row[26:]
    return User(
        id=UserId(user_id),
        version=version,
        profile=_profile(*said),
        status=AccountStatus(
            state=AccountState(state),
            since=utc(since),
            actor=Actor(ActorKind(actor_kind), actor_id),
            reason=None if reason is None else DeactivationReason(reason),
            notes=notes,
            until=_optional_utc(until),
            merged_into=None if merged_into is None else UserId(merged_into),
        ),
        verification=Verification(
            _optional_utc(email_verified), _optional_utc(phone_verified), _optional_utc(identity_verified)
        ),
        restricted=restricted,
        created_at=utc(created_at),
        updated_at=utc(updated_at),
    )


def _profile(*said: Any) -> Profile:  # noqa: ANN401 -- columns of every type
    username, _, email, email_canonical, first_name, last_name, phone_number, *address, locale = said[:13]
    time_zone, birth_date, attributes, external_id = said[13:]
    return Profile(
        username=username,
        email=EmailAddress(email, email_canonical),
        first_name=first_name,
        last_name=last_name,
        phone_number=phone_number,
        address=Address(*address) if any(part is not None for part in address) else None,
        locale=locale,
        time_zone=time_zone,
        birth_date=birth_date,
        attributes=attributes,
        external_id=external_id,
    )


_NO_ADDRESS: Final = Address()


def utc(at: datetime) -> datetime:
    """Return a time as the domain has it; the driver gives it in the zone of the session."""
    return at.astimezone(UTC)


def _optional_utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
