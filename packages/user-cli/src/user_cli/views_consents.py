"""How consents look to people."""

from collections.abc import Iterable, Mapping
from typing import Any

from user_cli.output import show_pairs, show_table
from user_cli.views import show_next, to_seconds
from usercore.codec.consents import consents_object, entry_object, recorded_object
from usercore.codec.scalars import timestamp
from usercore.privacy.consents.read_consents import Consents
from usercore.privacy.consents.record_consent import RecordedConsent
from usercore.privacy.consents.values import LedgerEntry, Purpose

__all__ = ["show_consents", "show_purposes", "show_recorded"]

_NOTHING = "—"


def show_consents(consents: Consents) -> None:
    """Write what holds, and lines of the ledger, newest first."""
    wire: Mapping[str, Any] = consents_object(consents)
    show_table(
        ("PURPOSE", "GIVEN", "SINCE", "SOURCE", "WORDING", "TITLE"),
        (_standing_row(name, held) for name, held in wire["consents"].items()),
        empty="No purposes are registered.",
    )
    show_pairs([("", "")])
    show_table(
        ("VERSION", "AT", "PURPOSE", "GIVEN", "SOURCE", "WORDING", "ACTOR", "PROOF"),
        map(_line_row, consents.page.items),
        empty="Nothing has been said.",
    )
    show_next(consents.page.next_cursor)


def show_recorded(recorded: RecordedConsent) -> None:
    """Write what holds of one purpose."""
    wire = recorded_object(recorded)
    wire["given"] = _yes(wire["given"])
    wire["actor"] = str(recorded.entry.actor)
    show_pairs((name, value) for name, value in wire.items() if value is not None)


def show_purposes(purposes: Iterable[Purpose]) -> None:
    """Write purposes, one a line."""
    show_table(
        ("NAME", "TITLE", "WORDING", "REGISTERED"),
        ((one.name, one.title, one.wording_version, to_seconds(timestamp(one.registered_at))) for one in purposes),
        empty="No purposes are registered.",
    )


def _standing_row(name: str, held: Mapping[str, Any]) -> tuple[object, ...]:
    since = to_seconds(held["changedAt"]) if held["changedAt"] else "never said"
    return (
        name,
        _yes(held["given"]),
        since,
        held["source"] or _NOTHING,
        held["wordingVersion"] or _NOTHING,
        held["title"],
    )


def _line_row(entry: LedgerEntry) -> tuple[object, ...]:
    wire: Mapping[str, Any] = entry_object(entry)
    return (
        wire["version"],
        to_seconds(wire["changedAt"]),
        wire["purpose"],
        _yes(wire["given"]),
        wire["source"],
        wire["wordingVersion"],
        str(entry.actor),
        wire["proof"] or _NOTHING,
    )


def _yes(given: object) -> str:
    return "yes" if given else "no"
