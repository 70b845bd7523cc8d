"""From the fields of a row to what it says of a user: the names of the profile as the API has them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from usercore.bulk.imports.values import ImportRow
from usercore.codec.exports import FORMULA_STARTS
from usercore.codec.shapes import ShapeRefusedError, read_shape
from usercore.kernel.errors import Violation
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET as LEFT
from usercore.users.intake import AddressPatch, ProfilePatch

SET_BY_US: Final = ("id", "status", "statusDetails", "verification", "restricted", "version", "createdAt", "updatedAt")
"""Fields of an export that an import passes over: the service sets them."""
PASSWORD: Final = Violation(
    ("password",), "password_in_clear", "passwords in the clear are not imported: give passwordHash, or none"
)


class AddressFields(Struct, rename="camel", forbid_unknown_fields=True):
    """A postal address, or parts of it."""

    street: str | UnsetType | None = UNSET
    city: str | UnsetType | None = UNSET
    state: str | UnsetType | None = UNSET
    postal_code: str | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET


class RowFields(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A row: types alone. Whether a value is a good one is judged where single users are judged."""

    username: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    phone_number: str | UnsetType | None = UNSET
    address: AddressFields | UnsetType | None = UNSET
    locale: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    birth_date: date | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    password_hash: str | UnsetType | None = UNSET
    password: Any = UNSET
    id: Any = UNSET
    status: Any = UNSET
    status_details: Any = UNSET
    verification: Any = UNSET
    restricted: Any = UNSET
    version: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET


CSV_COLUMNS: Final = frozenset(
    {one.encode_name for one in msgspec.structs.fields(RowFields)} - {"address", "password"}
) | {f"address.{one.encode_name}" for one in msgspec.structs.fields(AddressFields)}
"""The columns that a CSV file may have, besides those below `attributes`."""


def row_of(value: Any, line: int, end: int, next_line: int) -> ImportRow:  # noqa: ANN401 -- any JSON value
    """Return the row of a JSON value.

    Args:
        value: an object, or something that is none.
        line: where it begins.
        end: how much of the file is done behind it.
        next_line: the line behind it.
    """
    try:
        fields = read_shape(value, RowFields)
    except ShapeRefusedError as error:
        violations = tuple(Violation(_domain(one.path), one.code, one.detail) for one in error.problems)
        return ImportRow(line, end, next_line, violations=violations)
    return row_of_fields(fields, line, end, next_line)


def row_of_fields(fields: RowFields, line: int, end: int, next_line: int) -> ImportRow:
    """Return the row of fields whose types are right."""
    hashed = fields.password_hash
    return ImportRow(
        line,
        end,
        next_line,
        _patch(fields),
        Secret(hashed) if isinstance(hashed, str) else None,
        () if fields.password is UNSET else (PASSWORD,),
    )


def _patch(fields: RowFields) -> ProfilePatch:
    address = fields.address
    return ProfilePatch(
        LEFT if (given := fields.username) is UNSET else given,
        LEFT if (given := fields.email) is UNSET else given,
        LEFT if (given := fields.first_name) is UNSET else given,
        LEFT if (given := fields.last_name) is UNSET else given,
        LEFT if (given := fields.phone_number) is UNSET else given,
        LEFT if address is UNSET else None if address is None else _address(address),
        LEFT if (given := fields.locale) is UNSET else given,
        LEFT if (given := fields.time_zone) is UNSET else given,
        LEFT if (born := fields.birth_date) is UNSET else born,
        LEFT if (attributes := fields.attributes) is UNSET else attributes,
        LEFT if (given := fields.external_id) is UNSET else given,
    )


def _address(fields: AddressFields) -> AddressPatch:
    return AddressPatch(
        LEFT if (given := fields.street) is UNSET else given,
        LEFT if (given := fields.city) is UNSET else given,
        LEFT if (given := fields.state) is UNSET else given,
        LEFT if (given := fields.postal_code) is UNSET else given,
        LEFT if (given := fields.country) is UNSET else given,
    )


def count_members(fields: RowFields) -> int:
    """Return how many members all objects of a row have.

    Raises:
        UnsureError: the strict reader has to look.
    """
    count = 0
    for value in astuple(fields):
        if value is UNSET:
            continue
        count += 1
        if isinstance(value, AddressFields):
            count += sum([part is not UNSET for part in astuple(value)])
        elif not isinstance(value, str):
            count += members_in(value)
    return count


class UnsureError(Exception):
    """The strict reader has to look."""


_DEEP: Final = 8
"""Deeper than any good row: those are few, or wrong."""
_LARGE: Final = 10**9
"""Far within what is allowed."""


def members_in(value: object, depth: int = 0) -> int:
    """Return how many members all objects inside a value have.

    Raises:
        UnsureError: it is nested deeply, or has a number that may be too large.
    """
    if isinstance(value, dict):
        if depth > _DEEP:
            raise UnsureError
        return len(value) + sum(
            [members_in(inner, depth + 1) for inner in value.values() if not isinstance(inner, str)]
        )
    if isinstance(value, list):
        if depth > _DEEP:
            raise UnsureError
        return sum([members_in(inner, depth + 1) for inner in value])
    if isinstance(value, int | float) and not -_LARGE < value < _LARGE:
        raise UnsureError
    return 0


def _domain(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path of the wire in the domain's names; the inverse of what is done where it is told."""
    return tuple("".join(f"_{one.lower()}" if one.isupper() else one for one in step) for step in path)


def fields_of_columns(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object that columns stand for: a dot leads inside, and what is empty is absent."""
    found: dict[str, Any] = {}
    for name, cell in values.items():
        if not cell or name in SET_BY_US or name.partition(".")[0] in SET_BY_US:
            continue
        text = _unguarded(cell)
        head, dot, tail = name.partition(".")
        if name == "attributes":
            found[name] = _attribute(text)
        elif not dot:
            found[name] = text
        elif head == "address":
            found.setdefault(head, {})[tail] = text
        elif isinstance(inner := found.setdefault(head, {}), dict):
            _place(inner, tail.split("."), _attribute(text))
    return found


def _unguarded(text: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from running a cell, as an export puts it there."""
    return text[1:] if text[0] == "'" and text[1:].startswith(FORMULA_STARTS) else text


def _place(inner: dict[str, Any], steps: list[str], value: object) -> None:
    *outer, last = steps
    for step in outer:
        deeper = inner.setdefault(step, {})
        if not isinstance(deeper, dict):
            return
        inner = deeper
    inner[last] = value


def _attribute(text: str) -> object:
    """Return a custom attribute: JSON where it reads as such, else text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
