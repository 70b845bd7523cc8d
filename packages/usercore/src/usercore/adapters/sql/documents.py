"""Profiles as documents that PostgreSQL builds: byte for byte what :mod:`usercore.codec.profile` renders."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row
from usercore.adapters.sql.mapping import canonical_ids
from usercore.kernel.ids import UserId
from usercore.users.ports import ProfileDocument, ProfileReader
from usercore.users.values import AccountState

_STATES: Final = {state.value: state for state in AccountState}


def _time(column: str) -> str:
    return f"""to_char(u.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def _object(members: Mapping[str, str]) -> str:
    """Return SQL for a compact JSON object: `json_build_object` would write blanks into it."""
    chosen = ", ".join(f'{value} AS "{name}"' for name, value in members.items())
    return f"(SELECT row_to_json(o) FROM (SELECT {chosen}) AS o)"  # noqa: S608 -- made of constants


def _verified(column: str) -> str:
    return _object({"verified": f"u.{column} IS NOT NULL", "verifiedAt": _time(column)})


_ADDRESS: Final = {
    "street": "u.address_street",
    "city": "u.address_city",
    "state": "u.address_state",
    "postalCode": "u.address_postal_code",
    "country": "u.address_country",
}
_STATUS: Final = {
    "since": _time("status_since"),
    "reason": "u.status_reason",
    "notes": "u.status_notes",
    "until": _time("status_until"),
    "actor": _object({"kind": "u.status_actor_kind", "id": "u.status_actor_id"}),
}
_MERGED: Final = {**_STATUS, "mergedInto": "u.merged_into"}
_PROFILE: Final = _object(
    {
        "id": "u.id",
        "username": "u.username",
        "email": "u.email",
        "firstName": "u.first_name",
        "lastName": "u.last_name",
        "phoneNumber": "u.phone_number",
        "address": f"CASE WHEN COALESCE({', '.join(_ADDRESS.values())}) IS NOT NULL THEN {_object(_ADDRESS)} END",
        "locale": "u.locale",
        "timeZone": "u.time_zone",
        "birthDate": "u.birth_date",
        "attributes": "u.attributes",
        "externalId": "u.external_id",
        "status": "u.state",
        "statusDetails": f"CASE WHEN u.merged_into IS NULL THEN {_object(_STATUS)} ELSE {_object(_MERGED)} END",
        "verification": _object(
            {
                "email": _verified("email_verified_at"),
                "phone": _verified("phone_verified_at"),
                "identity": _verified("identity_verified_at"),
            }
        ),
        "restricted": "u.restricted",
        "version": "u.version",
        "createdAt": _time("created_at"),
        "updatedAt": _time("updated_at"),
    }
)

DOCUMENT_COLUMNS: Final = f"u.id::text, u.version, u.state, convert_to({_PROFILE}::text, 'UTF8')"
"""SQL for what :func:`document_of` reads, of a table ``users AS u``."""

_BY_ID: Final = f"SELECT {DOCUMENT_COLUMNS} FROM users AS u WHERE u.id = ANY($1::uuid[])".encode()  # noqa: S608 -- the same


def document_of(row: Row) -> ProfileDocument:
    """Return the document in a row of :data:`DOCUMENT_COLUMNS`."""
    user_id, version, state, body = row
    return ProfileDocument(UserId(user_id), version, _STATES[state], body)


def documents_of(rows: Iterable[Row]) -> dict[UserId, ProfileDocument]:
    """Return the documents by user."""
    return {row[0]: document_of(row) for row in rows}


@frozen
class SqlProfileReader:
    """Serves profiles from the database itself."""

    database: Database

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist."""
        known = canonical_ids(ids)
        return documents_of(await self.database.fetch(_BY_ID, known)) if known else {}


if TYPE_CHECKING:

    def _conforms(database: Database) -> ProfileReader:
        return SqlProfileReader(database)
