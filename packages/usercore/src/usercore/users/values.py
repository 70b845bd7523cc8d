"""The words a user's profile is made of. A value that exists is valid.

Each `parse` takes what a caller sent and returns the value, or raises :class:`ValueRejectedError` with a
stable code and what to do; it never repeats the input.
"""

import re
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from attrs import define, fields, frozen

NAME_MAX_CHARS: Final = 200
USERNAME_MAX_CHARS: Final = 254
EXTERNAL_ID_MAX_CHARS: Final = 128
REASON_MAX_CHARS: Final = 500
"""Source: the event catalogue's DeactivateUser schema, `reason`."""
PASSWORD_MIN_CHARS: Final = 8
"""Source: the event catalogue's CreateUser schema; NIST SP 800-63B, 5.1.1.1, asks the same."""
PASSWORD_MAX_CHARS: Final = 1024
"""Bounds the hashing work; NIST SP 800-63B, 5.1.1.2, asks to permit 64 at least."""
EMAIL_MAX_CHARS: Final = 254
"""Source: RFC 5321, 4.5.3.1.3, a path of 256 octets less its two angle brackets."""
OLDEST_BIRTH_YEAR: Final = 1870
ERASED_DOMAIN: Final = "erased.invalid"
"""Where no mail ever arrives. Source: RFC 2606, section 2, the top-level domain `invalid`."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_E164 = re.compile(r"\+?[1-9]\d{1,14}", re.ASCII)
# Source: RFC 5646, 2.1, `langtag` without extension and private-use details spelled out, and `privateuse`.
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*"
    r"(?:-[a-wyz\d](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?",
    re.ASCII | re.IGNORECASE,
)
LANGUAGE_TAG_MAX_CHARS: Final = 35
"""Source: RFC 5646, 4.4.1, the length that every implementation should allow for."""


@define(auto_exc=True, eq=False)
class ValueRejectedError(ValueError):
    """A value breaks its rule: `code` says which, `detail` what to do."""

    code: str
    detail: str


@frozen
class EmailAddress:
    """An address to write to, and the form under which it is unique.

    Args:
        address: as the person gave it, trimmed; mail goes here.
        canonical: local part with ASCII letters folded, domain as lower-case A-labels.
    """

    address: str
    canonical: str

    def __str__(self) -> str:
        """Return the address as given."""
        return self.address


@frozen
class Address:
    """A postal address; every part may be missing, a given one is not blank."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


ADDRESS_MAX_CHARS: Final = {"street": 100, "city": 50, "state": 50, "postal_code": 20, "country": 50}
"""Source: the event catalogue's UpdateUser schema, `address`."""
ADDRESS_PARTS: Final = tuple(part.name for part in fields(Address))


class AccountState(StrEnum):
    """Where in its life an account stands."""

    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"
    MERGED = "MERGED"
    ERASED = "ERASED"


class DeactivationReason(StrEnum):
    """Why an account was deactivated. Source: the event catalogue's UserDeactivated schema."""

    USER_REQUESTED = "USER_REQUESTED"
    ADMINISTRATIVE_ACTION = "ADMINISTRATIVE_ACTION"
    SECURITY_VIOLATION = "SECURITY_VIOLATION"
    INACTIVITY = "INACTIVITY"


class VerificationChannel(StrEnum):
    """What can be proved of a user. Source: the event catalogue's UserVerified."""

    EMAIL = "email"
    PHONE = "phone"
    IDENTITY = "identity"


def parse_text(raw: str, *, max_chars: int, min_chars: int = 1) -> str:
    """Return one line of trimmed text.

    Raises:
        ValueRejectedError: `too_short`, `too_long` or `control_character`.
    """
    text = raw.strip()
    if len(text) < min_chars:
        raise ValueRejectedError("too_short", f"give at least {min_chars} character(s)")
    if len(text) > max_chars:
        raise ValueRejectedError("too_long", f"give at most {max_chars} characters")
    # What is printable has no such character, and is told apart in a fraction of the time.
    if not text.isprintable() and _CONTROL.search(text):
        raise ValueRejectedError("control_character", "leave out control characters and line breaks")
    return text


def parse_phone(raw: str) -> str:
    r"""Return the number in E.164 form, ``+`` and 2 to 15 digits.

    Source: ITU-T E.164, 6.2.1; the catalogue's pattern ``^\+?[1-9]\d{1,14}$``.

    Raises:
        ValueRejectedError: `phone_not_e164`.
    """
    text = raw.strip()
    if not _E164.fullmatch(text):
        raise ValueRejectedError("phone_not_e164", "write the number in E.164 form, as in +4930123456")
    return f"+{text.removeprefix('+')}"


def parse_locale(raw: str) -> str:
    """Return a well-formed BCP 47 language tag in its conventional case, ``zh-Hant-TW``.

    Raises:
        ValueRejectedError: `locale_not_bcp47`.
    """
    text = raw.strip()
    if len(text) > LANGUAGE_TAG_MAX_CHARS or not _LANGUAGE_TAG.fullmatch(text):
        raise ValueRejectedError("locale_not_bcp47", "write a BCP 47 language tag, as in en-GB")
    return _conventional_case(text)


def _conventional_case(tag: str) -> str:
    """Fold a language tag as RFC 5646, 2.1.1, says: region upper, script title, the rest lower."""
    first, *rest = tag.lower().split("-")
    parts, after_singleton = [first], False
    for part in rest:
        after_singleton = after_singleton or len(part) == 1
        if after_singleton:
            parts.append(part)
        else:
            parts.append({2: part.upper(), 4: part.title()}.get(len(part), part))
    return "-".join(parts)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_time_zone(raw: str) -> str:
    """Return the name of a zone of the IANA time zone database, ``Europe/Berlin``.

    Raises:
        ValueRejectedError: `time_zone_unknown`.
    """
    text = raw.strip()
    if text not in _time_zones():
        raise ValueRejectedError("time_zone_unknown", "name a zone of the IANA database, as in Europe/Berlin")
    return text


def parse_birth_date(value: date, today: date) -> date:
    """Return a date on which somebody alive today may have been born.

    Raises:
        ValueRejectedError: `birth_date_out_of_range`.
    """
    if not date(OLDEST_BIRTH_YEAR, 1, 1) <= value <= today:
        raise ValueRejectedError("birth_date_out_of_range", f"give a date from {OLDEST_BIRTH_YEAR}-01-01 to today")
    return value


def parse_username(raw: str, email: EmailAddress) -> str:
    """Return a username: no blanks, and an ``@`` only if it is the person's own email.

    A username that looks like somebody else's address would keep that person from signing up.

    Raises:
        ValueRejectedError: a text rule, `username_blank_inside` or `username_foreign_email`.
    """
    text = parse_text(raw, max_chars=USERNAME_MAX_CHARS)
    if any(character.isspace() for character in text):
        raise ValueRejectedError("username_blank_inside", "leave out blanks")
    if "@" in text and fold_ascii(text) not in {fold_ascii(email.address), email.canonical}:
        raise ValueRejectedError("username_foreign_email", "use your own email or a name without @")
    return text


def fold_ascii(text: str) -> str:
    """Fold ASCII letters to lower case and leave every other character alone."""
    return text.lower() if text.isascii() else text.translate(_ASCII_FOLD)


_ASCII_FOLD = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def check_password(password: str) -> None:
    """Pass a password that is neither short nor endless and that every service can write in UTF-8.

    Raises:
        ValueRejectedError: `too_short`, `too_long` or `lone_surrogate`.
    """
    if len(password) < PASSWORD_MIN_CHARS:
        raise ValueRejectedError("too_short", f"choose at least {PASSWORD_MIN_CHARS} characters")
    if len(password) > PASSWORD_MAX_CHARS:
        raise ValueRejectedError("too_long", f"choose at most {PASSWORD_MAX_CHARS} characters")
    if any("\ud800" <= character <= "\udfff" for character in password):
        raise ValueRejectedError("lone_surrogate", "leave out lone surrogates")
