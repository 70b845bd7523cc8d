"""Patches of profiles as JSON: what is set, what is emptied (null), and nothing of what is left alone."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import fields

from usercore.codec.scalars import camel
from usercore.kernel.unset import UNSET
from usercore.users.intake import AddressPatch, ProfilePatch


def patch_object(patch: ProfilePatch) -> dict[str, object]:
    """Return a patch as a JSON object, camelCase."""
    return {name: _plain(value) for name, value in _said(patch).items()}


def patch_of(raw: Mapping[str, Any]) -> ProfilePatch:
    """Return the patch of a JSON object that :func:`patch_object` made."""
    values = {one.name: raw[camel(one.name)] for one in fields(ProfilePatch) if camel(one.name) in raw}
    if isinstance(values.get("birth_date"), str):
        values["birth_date"] = date.fromisoformat(values["birth_date"])
    if isinstance(values.get("address"), Mapping):
        inner = values["address"]
        parts = {one.name: inner[camel(one.name)] for one in fields(AddressPatch) if camel(one.name) in inner}
        values["address"] = AddressPatch(**parts)
    return ProfilePatch(**values)


def _said(patch: ProfilePatch | AddressPatch) -> dict[str, object]:
    found = {one.name: getattr(patch, one.name) for one in fields(type(patch))}
    return {camel(name): value for name, value in found.items() if value is not UNSET}


def _plain(value: object) -> object:
    match value:
        case AddressPatch():
            return _said(value)
        case date():
            return value.isoformat()
        case Mapping():
            return dict(value)
        case _:
            return value
