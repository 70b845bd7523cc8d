"""Users on the wire."""

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from usercore.codec.documents import Time, User
from usercore.users.values import (
    ADDRESS_MAX_CHARS,
    EMAIL_MAX_CHARS,
    EXTERNAL_ID_MAX_CHARS,
    LANGUAGE_TAG_MAX_CHARS,
    NAME_MAX_CHARS,
    PASSWORD_MAX_CHARS,
    PASSWORD_MIN_CHARS,
    REASON_MAX_CHARS,
    USERNAME_MAX_CHARS,
)

NEW_NAME_MAX_CHARS = 50
"""Source: the event catalogue's UpdateUser schema, `firstName` and `lastName`."""

_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
LINE = rf"^{_PLAIN}*\S{_PLAIN}*$"
"""One line of text that is not blank."""
WORD = r"^[^\s\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
"""Text without blanks."""
LANGUAGE_TAG = (
    "^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4}|[A-Za-z]{5,8})"
    "(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    "(-[A-WYZa-wyz0-9](-[A-Za-z0-9]{2,8})+)*(-[xX](-[A-Za-z0-9]{1,8})+)?$"
)
"""Source: RFC 5646, 2.1, without the irregular tags."""

Email = Annotated[
    str, Meta(max_length=EMAIL_MAX_CHARS, examples=["grace@example.com"], extra_json_schema={"format": "email"})
]
Username = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=USERNAME_MAX_CHARS,
        pattern=WORD,
        description="Without blanks, and without an @ unless it is the email.",
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX_CHARS, pattern=LINE)]
NewName = Annotated[str, Meta(min_length=1, max_length=NEW_NAME_MAX_CHARS, pattern=LINE)]
Phone = Annotated[
    str,
    Meta(
        pattern=r"^\+?[1-9][0-9]{1,14}$",
        examples=["+4930123456"],
        description="E.164; the plus sign may be left out.",
    ),
]
Locale = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LANGUAGE_TAG_MAX_CHARS,
        pattern=LANGUAGE_TAG,
        examples=["en-GB"],
        description="BCP 47 language tag.",
    ),
]
TimeZone = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=LINE, examples=["Europe/Berlin"], description="IANA time zone name.")
]
ExternalId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=EXTERNAL_ID_MAX_CHARS,
        pattern=LINE,
        description="The user's id in the system they came from.",
    ),
]
Attributes = Annotated[
    dict[str, Any],
    Meta(description="Custom attributes; they must satisfy the JSON Schema that the operator registered."),
]
Reason = Annotated[str, Meta(min_length=1, max_length=REASON_MAX_CHARS, pattern=LINE)]
UserIdText = Annotated[
    str, Meta(min_length=1, max_length=64, description="The user's id.", extra_json_schema={"format": "uuid"})
]

Street = Annotated[str, Meta(min_length=1, max_length=ADDRESS_MAX_CHARS["street"], pattern=LINE)]
City = Annotated[str, Meta(min_length=1, max_length=ADDRESS_MAX_CHARS["city"], pattern=LINE)]
State = Annotated[str, Meta(min_length=1, max_length=ADDRESS_MAX_CHARS["state"], pattern=LINE)]
PostalCode = Annotated[str, Meta(min_length=1, max_length=ADDRESS_MAX_CHARS["postal_code"], pattern=LINE)]
Country = Annotated[str, Meta(min_length=1, max_length=ADDRESS_MAX_CHARS["country"], pattern=LINE)]


class AddressInput(Struct, rename="camel", forbid_unknown_fields=True):
    """A postal address, or the parts of it to change; null empties a part."""

    street: Street | UnsetType | None = UNSET
    city: City | UnsetType | None = UNSET
    state: State | UnsetType | None = UNSET
    postal_code: PostalCode | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET


class _OptionalFields(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    username: Username | UnsetType | None = UNSET
    phone_number: Phone | UnsetType | None = UNSET
    address: AddressInput | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType | None = UNSET
    birth_date: date | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    external_id: ExternalId | UnsetType | None = UNSET


class CreateUser(_OptionalFields, kw_only=True):
    """A new user: the catalogue's CreateUser and the rest of the profile."""

    email: Email
    first_name: Name
    last_name: Name
    password: (
        Annotated[
            str,
            Meta(
                min_length=PASSWORD_MIN_CHARS,
                max_length=PASSWORD_MAX_CHARS,
                description="Without one the user is sent an invitation to choose it. It is never shown again.",
                extra_json_schema={"format": "password", "writeOnly": True},
            ),
        ]
        | UnsetType
        | None
    ) = UNSET


class UserPatch(_OptionalFields, kw_only=True):
    """Fields to change (RFC 7396): null empties one, what is missing stays."""

    email: Email | UnsetType = UNSET
    first_name: NewName | UnsetType = UNSET
    last_name: NewName | UnsetType = UNSET


class UpdateUser(UserPatch, kw_only=True):
    """The catalogue's UpdateUser: the fields to change, and whose they are."""

    user_id: UserIdText | UnsetType = UNSET


class Deactivation(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why an account is deactivated, and until when."""

    reason: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=REASON_MAX_CHARS,
                pattern=LINE,
                description="USER_REQUESTED, ADMINISTRATIVE_ACTION, SECURITY_VIOLATION, INACTIVITY, or free text, "
                "which becomes the notes.",
                examples=["INACTIVITY"],
            ),
        ]
        | UnsetType
        | None
    ) = UNSET
    notes: Reason | UnsetType | None = UNSET
    until: Time | UnsetType | None = UNSET


class DeactivateUser(Deactivation, kw_only=True):
    """The catalogue's DeactivateUser: whose account, and why."""

    user_id: UserIdText | UnsetType = UNSET


class Reactivation(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why an account takes part again."""

    reason: Reason | UnsetType | None = UNSET


class UserPage(Struct, rename="camel"):
    """Some users of a list."""

    items: list[User]
    next_cursor: str | None
