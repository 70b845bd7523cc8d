"""From what an operator writes to a profile: wire names, as in the HTTP API, and JSON values."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from attrs import fields

from user_cli.failures import InputInvalidError, UsageError
from usercore.codec.scalars import camel
from usercore.kernel.errors import Violation
from usercore.users.intake import AddressPatch, ProfilePatch

__all__ = ["document_of", "patch_of"]

_ATTRIBUTES: Final = "attributes"
_PROFILE: Final = {camel(field.name): field.name for field in fields(ProfilePatch)}
_ADDRESS: Final = {camel(field.name): field.name for field in fields(AddressPatch)}
_NO_FLAGS: Final[Mapping[str, str | None]] = {}
_TWICE: Final = "name each field once, by its option, --set or --unset"


def document_of(
    assignments: Sequence[str], emptied: Sequence[str], flags: Mapping[str, str | None] = _NO_FLAGS
) -> dict[str, Any]:
    """Return the merge patch that ``--set`` and ``--unset`` amount to.

    Args:
        assignments: ``field=value``; a dot leads inside, as in ``address.city=Berlin``. A value below
            ``attributes`` is JSON where it reads as JSON, else text.
        emptied: fields to empty.
        flags: fields that have an option of their own, by domain name; None where it was not given.

    Raises:
        UsageError: an assignment without ``=``, or a field named twice.
    """
    document: dict[str, Any] = {camel(name): value for name, value in flags.items() if value is not None}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError("--set: write field=value, as in firstName=Grace")
        _place(document, name, _value(name, value))
    for name in emptied:
        _place(document, name, None)
    return document


def _value(name: str, text: str) -> object:
    if name.partition(".")[0] != _ATTRIBUTES:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _place(document: dict[str, Any], name: str, value: object) -> None:
    *outer, last = name.split(".")
    for step in outer:
        inner = document.setdefault(step, {})
        if not isinstance(inner, dict):
            raise UsageError(_TWICE)
        document = inner
    if last in document:
        raise UsageError(_TWICE)
    document[last] = value


def patch_of(document: Mapping[str, Any]) -> ProfilePatch:
    """Return the patch that a JSON object of profile fields stands for.

    Raises:
        InputInvalidError: unknown fields, or values of another type; all are named at once.
    """
    found: list[Violation] = []
    values = _read(document, _PROFILE, _READERS, (), found)
    if found:
        raise InputInvalidError(violations=tuple(found))
    return ProfilePatch(**values)


_Reader = Callable[[Any, tuple[str, ...], list[Violation]], object]


def _read(
    document: Mapping[str, Any],
    names: Mapping[str, str],
    readers: Mapping[str, _Reader],
    path: tuple[str, ...],
    found: list[Violation],
) -> dict[str, Any]:
    if not document.keys() <= names.keys():
        # A name that we do not know is the caller's text, and is not repeated.
        found.append(Violation(path, "unknown_field", f"use these fields alone: {', '.join(names)}"))
    return {
        name: None if document[wire] is None else readers.get(name, _text)(document[wire], (*path, name), found)
        for wire, name in names.items()
        if wire in document
    }


def _text(raw: object, path: tuple[str, ...], found: list[Violation]) -> object:
    if isinstance(raw, str):
        return raw
    found.append(Violation(path, "not_text", "give a string"))
    return None


def _date(raw: object, path: tuple[str, ...], found: list[Violation]) -> object:
    try:
        if isinstance(raw, str) and (day := date.fromisoformat(raw)).isoformat() == raw:
            return day
    except ValueError:
        pass
    found.append(Violation(path, "not_a_date", "write a date as in 1990-01-31"))
    return None


def _address(raw: object, path: tuple[str, ...], found: list[Violation]) -> object:
    if isinstance(raw, Mapping):
        return AddressPatch(**_read(raw, _ADDRESS, {}, path, found))
    found.append(Violation(path, "not_an_object", "give an object"))
    return None


def _attributes(raw: object, path: tuple[str, ...], found: list[Violation]) -> object:
    if isinstance(raw, Mapping):
        return raw
    found.append(Violation(path, "not_an_object", "give an object"))
    return None


_READERS: Final[Mapping[str, _Reader]] = {
    "birth_date": _date,
    "address": _address,
    _ATTRIBUTES: _attributes,
}
