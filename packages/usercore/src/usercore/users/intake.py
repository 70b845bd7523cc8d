"""From what a caller sent to a profile, with every broken rule named at once."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from attrs import asdict, evolve, field, frozen

from usercore.kernel.errors import Violation
from usercore.kernel.unset import UNSET, Unset
from usercore.users.attributes import Json, parse_attributes
from usercore.users.errors import ProfileInvalidError
from usercore.users.model import Profile
from usercore.users.ports import EmailRules
from usercore.users.values import (
    ADDRESS_MAX_CHARS,
    EXTERNAL_ID_MAX_CHARS,
    NAME_MAX_CHARS,
    Address,
    EmailAddress,
    ValueRejectedError,
    parse_birth_date,
    parse_locale,
    parse_phone,
    parse_text,
    parse_time_zone,
    parse_username,
)

R = TypeVar("R")
V = TypeVar("V")


@frozen
class AddressPatch:
    """Parts of a postal address to set (text), empty (None) or leave (UNSET)."""

    street: str | Unset | None = field(default=UNSET, repr=False)
    city: str | Unset | None = field(default=UNSET, repr=False)
    state: str | Unset | None = field(default=UNSET, repr=False)
    postal_code: str | Unset | None = field(default=UNSET, repr=False)
    country: str | Unset | None = field(default=UNSET, repr=False)


@frozen
class ProfilePatch:
    """Fields of a profile as a caller sent them: to set, to empty (None) or to leave (UNSET).

    `address` and `attributes` are merged into what is there, as RFC 7396 says.
    """

    username: str | Unset | None = field(default=UNSET, repr=False)
    email: str | Unset | None = field(default=UNSET, repr=False)
    first_name: str | Unset | None = field(default=UNSET, repr=False)
    last_name: str | Unset | None = field(default=UNSET, repr=False)
    phone_number: str | Unset | None = field(default=UNSET, repr=False)
    address: AddressPatch | Unset | None = field(default=UNSET, repr=False)
    locale: str | Unset | None = field(default=UNSET, repr=False)
    time_zone: str | Unset | None = field(default=UNSET, repr=False)
    birth_date: date | Unset | None = field(default=UNSET, repr=False)
    attributes: Mapping[str, Json] | Unset | None = field(default=UNSET, repr=False)
    external_id: str | Unset | None = field(default=UNSET, repr=False)


class _Violations:
    """Reads field after field and remembers what was wrong with each."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def read(self, path: tuple[str, ...], parse: Callable[[R], V], raw: R) -> V | None:
        try:
            return parse(raw)
        except ValueRejectedError as error:
            self.found.append(Violation(path, error.code, error.detail))
            return None

    def missing(self, name: str) -> None:
        self.found.append(Violation((name,), "required", "give a value; it cannot be left empty"))

    def stop(self) -> None:
        if self.found:
            raise ProfileInvalidError(violations=tuple(self.found))


def new_profile(patch: ProfilePatch, rules: EmailRules, today: date) -> Profile:
    """Return the profile of a new user.

    Raises:
        ProfileInvalidError: fields are missing or break their rules.
    """
    try:
        return _straight(patch, rules, today)
    except ValueRejectedError:
        return _applied(patch, None, rules, today)


def _straight(patch: ProfilePatch, rules: EmailRules, today: date) -> Profile:
    """Return the profile of a new user where no rule is broken, at a fraction of what it takes to name those that are.

    Raises:
        ValueRejectedError: one is.
    """
    email, first_name, last_name = patch.email, patch.first_name, patch.last_name
    if not (isinstance(email, str) and isinstance(first_name, str) and isinstance(last_name, str)):
        raise ValueRejectedError("required", "give a value")
    parsed = rules.parse(email)
    username, born = patch.username, patch.birth_date
    attributes = patch.attributes
    return Profile(
        username=parse_username(username, parsed) if isinstance(username, str) else parsed.address,
        email=parsed,
        first_name=_name(first_name),
        last_name=_name(last_name),
        phone_number=parse_phone(raw) if isinstance(raw := patch.phone_number, str) else None,
        address=_straight_address(given) if isinstance(given := patch.address, AddressPatch) else None,
        locale=parse_locale(raw) if isinstance(raw := patch.locale, str) else None,
        time_zone=parse_time_zone(raw) if isinstance(raw := patch.time_zone, str) else None,
        birth_date=parse_birth_date(born, today) if isinstance(born, date) else None,
        attributes=parse_attributes(merge({}, attributes)) if isinstance(attributes, Mapping) and attributes else {},
        external_id=parse_text(raw, max_chars=EXTERNAL_ID_MAX_CHARS)
        if isinstance(raw := patch.external_id, str)
        else None,
    )


def _straight_address(patch: AddressPatch) -> Address | None:
    raw = (patch.street, patch.city, patch.state, patch.postal_code, patch.country)
    parts = [
        parse_text(one, max_chars=most) if isinstance(one, str) else None
        for one, most in zip(raw, ADDRESS_MAX_CHARS.values(), strict=True)
    ]
    return Address(*parts) if any(parts) else None


def changed_profile(patch: ProfilePatch, before: Profile, rules: EmailRules, today: date) -> Profile:
    """Return `before` with the patch applied.

    Raises:
        ProfileInvalidError: fields break their rules.
    """
    return _applied(patch, before, rules, today)


def _applied(patch: ProfilePatch, before: Profile | None, rules: EmailRules, today: date) -> Profile:
    check = _Violations()
    values: dict[str, Any] = _mandatory(patch, before, rules, check)
    values |= _optional(patch, today, check)
    if patch.address is not UNSET:
        values["address"] = _address(patch.address, before.address if before else None, check)
    if patch.attributes is not UNSET:
        values["attributes"] = _attributes(patch.attributes, before, check)
    email = values.get("email", before.email if before else None)
    if isinstance(email, EmailAddress):
        values["username"] = _username(patch, before, email, check)
    check.stop()
    return evolve(before, **values) if before else Profile(**values)


def _mandatory(patch: ProfilePatch, before: Profile | None, rules: EmailRules, check: _Violations) -> dict[str, object]:
    parsers: dict[str, Callable[[str], object]] = {
        "email": rules.parse,
        "first_name": _name,
        "last_name": _name,
    }
    values: dict[str, object] = {}
    for name, parse in parsers.items():
        raw = getattr(patch, name)
        if raw is None or (raw is UNSET and before is None):
            check.missing(name)
        elif raw is not UNSET:
            values[name] = check.read((name,), parse, raw)
    return values


def _optional(patch: ProfilePatch, today: date, check: _Violations) -> dict[str, object]:
    parsers: dict[str, Callable[..., object]] = {
        "phone_number": parse_phone,
        "locale": parse_locale,
        "time_zone": parse_time_zone,
        "birth_date": lambda raw: parse_birth_date(raw, today),
        "external_id": lambda raw: parse_text(raw, max_chars=EXTERNAL_ID_MAX_CHARS),
    }
    values: dict[str, object] = {}
    for name, parse in parsers.items():
        raw = getattr(patch, name)
        if raw is not UNSET:
            values[name] = None if raw is None else check.read((name,), parse, raw)
    return values


def _username(patch: ProfilePatch, before: Profile | None, email: EmailAddress, check: _Violations) -> str | None:
    if isinstance(patch.username, str):
        return check.read(("username",), lambda raw: parse_username(raw, email), patch.username)
    keeps = patch.username is UNSET and before is not None and not before.uses_email_as_username
    return before.username if keeps and before else email.address


def _address(patch: AddressPatch | None, before: Address | None, check: _Violations) -> Address | None:
    if patch is None:
        return None
    parts = asdict(before) if before else {}
    for name, raw in asdict(patch).items():
        if raw is not UNSET:
            parts[name] = None if raw is None else check.read(("address", name), _part(name), raw)
    return Address(**parts) if any(parts.values()) else None


def _part(name: str) -> Callable[[str], str]:
    return lambda raw: parse_text(raw, max_chars=ADDRESS_MAX_CHARS[name])


def _name(raw: str) -> str:
    return parse_text(raw, max_chars=NAME_MAX_CHARS)


def _attributes(patch: Mapping[str, Json] | None, before: Profile | None, check: _Violations) -> Mapping[str, Json]:
    merged = merge(before.attributes if before else {}, patch or {}) if patch is not None else {}
    return check.read(("attributes",), parse_attributes, merged) or {}


def merge(target: Mapping[str, Json], patch: Mapping[str, Json]) -> Mapping[str, Json]:
    """Merge a patch into a JSON object: null removes, an object is merged, all else replaces.

    Source: RFC 7396, section 2.
    """
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
