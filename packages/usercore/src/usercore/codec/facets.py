"""Facets of a user, as history keeps them: to JSON for storage, and back without loss.

Two forms stand here: the stored one, which can be read back into domain values, and the wire one, which
looks like the profile.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from usercore.codec.profile import address_object, status_details, verification_object
from usercore.codec.scalars import camel, timestamp
from usercore.kernel.changes import FieldChange
from usercore.kernel.context import Actor
from usercore.preferences.get_email_preferences import FACET
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.record_consent import FACET as CONSENT
from usercore.privacy.consents.values import Consent
from usercore.users.model import AccountStatus, Verification
from usercore.users.values import Address, EmailAddress

_TYPES: Mapping[str, type] = {
    "email": EmailAddress,
    "address": Address,
    "birth_date": date,
    "status": AccountStatus,
    "verification": Verification,
}


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    converter.register_unstructure_hook(datetime, timestamp)
    converter.register_structure_hook(datetime, lambda raw, _: datetime.fromisoformat(raw))
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(date, lambda raw, _: date.fromisoformat(raw))
    converter.register_unstructure_hook(Actor, str)
    converter.register_structure_hook(Actor, lambda raw, _: Actor.parse(raw))
    # Written only where there is one, so that a version that does not know it yet reads everybody else's history.
    merged = override(omit_if_default=True)
    converter.register_unstructure_hook(
        AccountStatus, make_dict_unstructure_fn(AccountStatus, converter, merged_into=merged)
    )
    return converter


_CONVERTER = _converter()


def _type_of(field: str) -> type | None:
    if field.startswith(FACET):
        return EmailPreference
    return Consent if field.startswith(CONSENT) else _TYPES.get(field)


def store_changes(changes: tuple[FieldChange, ...]) -> list[list[object]]:
    """Return changes as JSON: for each its field, the value before and the value after."""
    return [[c.field, _store(c.field, c.before), _store(c.field, c.after)] for c in changes]


def _store(field: str, value: object) -> object:
    if value is None or _type_of(field) is None:
        return value
    return _CONVERTER.unstructure(value)


def load_changes(stored: list[list[Any]]) -> tuple[FieldChange, ...]:
    """Return what :func:`store_changes` was given."""
    return tuple(FieldChange(field, _load(field, before), _load(field, after)) for field, before, after in stored)


def _load(field: str, raw: object) -> object:
    kind = _type_of(field)
    return raw if raw is None or kind is None else _CONVERTER.structure(raw, kind)


def wire_field(field: str) -> str:
    """Return a facet's name on the wire: ``email_preferences.news`` → ``emailPreferences.news``."""
    head, dot, tail = field.partition(".")
    return camel(head) + dot + tail


def wire_value(value: object) -> object:
    """Return a facet's value as the profile shows it."""
    for kind, render in _WIRE.items():
        if isinstance(value, kind):
            return render(value)
    return value


def preference_object(preference: EmailPreference) -> dict[str, object]:
    """Return what a user said of a topic as a JSON object."""
    return {
        "subscribed": preference.subscribed,
        "source": preference.source,
        "updatedAt": timestamp(preference.at),
        "wordingVersion": preference.wording_version,
    }


def consent_object(consent: Consent) -> dict[str, object]:
    """Return what a user said of a purpose as a JSON object."""
    return {
        "given": consent.given,
        "wordingVersion": consent.wording_version,
        "source": consent.source,
        "changedAt": timestamp(consent.at),
    }


def _status(status: AccountStatus) -> dict[str, object]:
    return {"state": status.state.value, **status_details(status)}


_WIRE: Mapping[type, Callable[[Any], object]] = {
    EmailAddress: str,
    Address: address_object,
    AccountStatus: _status,
    Verification: verification_object,
    EmailPreference: preference_object,
    Consent: consent_object,
    date: date.isoformat,
}
