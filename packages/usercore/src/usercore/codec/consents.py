"""Consents on the wire."""

from usercore.codec.facets import consent_object
from usercore.codec.scalars import actor, compact, timestamp
from usercore.privacy.consents.read_consents import Consents
from usercore.privacy.consents.record_consent import RecordedConsent
from usercore.privacy.consents.values import LedgerEntry, Purpose, Standing


def render_consents(consents: Consents) -> bytes:
    """Return what holds and a page of the ledger as compact JSON in UTF-8."""
    return compact(consents_object(consents))


def render_consent(recorded: RecordedConsent) -> bytes:
    """Return what holds of one purpose as compact JSON in UTF-8."""
    return compact(recorded_object(recorded))


def consents_object(consents: Consents) -> dict[str, object]:
    """Return what holds and a page of the ledger as a JSON object."""
    return {
        "userId": consents.user_id,
        "version": consents.version,
        "consents": {one.purpose.name: _standing(one) for one in consents.standings},
        "items": [entry_object(entry) for entry in consents.page.items],
        "nextCursor": consents.page.next_cursor,
    }


def recorded_object(recorded: RecordedConsent) -> dict[str, object]:
    """Return what holds of one purpose as a JSON object."""
    return {"userId": recorded.entry.user_id, **entry_object(recorded.entry), "version": recorded.version}


def entry_object(entry: LedgerEntry) -> dict[str, object]:
    """Return one line of the ledger as a JSON object."""
    return {
        "version": entry.version,
        "purpose": entry.consent.purpose,
        **consent_object(entry.consent),
        "actor": actor(entry.actor),
        "proof": entry.proof,
    }


def purpose_object(purpose: Purpose) -> dict[str, object]:
    """Return a purpose as a JSON object."""
    return {
        "name": purpose.name,
        "title": purpose.title,
        "description": purpose.description,
        "wordingVersion": purpose.wording_version,
        "registeredAt": timestamp(purpose.registered_at),
    }


def _standing(standing: Standing) -> dict[str, object]:
    nothing_said = {"wordingVersion": None, "source": None, "changedAt": None}
    said = consent_object(standing.entry.consent) if standing.entry else nothing_said
    return {
        **said,
        "given": standing.given,
        "title": standing.purpose.title,
        "description": standing.purpose.description,
        "currentWordingVersion": standing.purpose.wording_version,
    }
