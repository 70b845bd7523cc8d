"""How privacy requests and legal holds look: as wire objects for programs, as rows for people."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from user_cli.output import say, show_json, show_pairs, show_table
from user_cli.views import flat, show_next, to_seconds
from usercore.codec.privacy import hold_object, request_object
from usercore.codec.scalars import timestamp
from usercore.privacy.requests.holds import LegalHold
from usercore.privacy.requests.model import PrivacyRequest, Recipient
from usercore.privacy.requests.replaying import LedgerStanding

__all__ = ["request_as_object", "show_holds", "show_request", "show_requests", "show_standing", "standing_object"]

_NOTHING: Final = "—"


def request_as_object(request: PrivacyRequest) -> dict[str, object]:
    """Return a request as programs read it."""
    return request_object(request, datetime.now(UTC))


def show_request(request: PrivacyRequest, *, as_json: bool) -> None:
    """Write one request."""
    shown = request_as_object(request)
    if as_json:
        show_json(shown)
    else:
        show_pairs(_pairs(request, shown))


def _pairs(request: PrivacyRequest, shown: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield from flat({name: value for name, value in shown.items() if name != "erasure"})
    erasure = request.erasure
    if erasure is None:
        return
    yield "erasure", erasure.step.value if request.is_open else "done"
    if erasure.dropped:
        yield "dropped", f"{erasure.dropped} events and deliveries that had not gone out in time"
    yield "ledger entry", _NOTHING if erasure.ledger_sequence is None else erasure.ledger_sequence
    for recipient in Recipient:
        at = erasure.receipts.get(recipient)
        yield f"receipt {recipient.value}", "waiting" if at is None else timestamp(at)


def show_requests(requests: Iterable[PrivacyRequest], next_cursor: str | None) -> None:
    """Write requests, one a line, and how to go on."""
    now = datetime.now(UTC)
    show_table(
        ("ID", "KIND", "STATE", "DUE", "", "LAW", "USER"),
        (
            (
                one.id,
                one.kind.value,
                one.state.value,
                to_seconds(timestamp(one.due_at)),
                "OVERDUE" if one.is_overdue(now) else one.trouble or "",
                one.jurisdiction.value,
                one.user_id,
            )
            for one in requests
        ),
        empty="No privacy requests.",
    )
    show_next(next_cursor)


def show_holds(holds: Iterable[LegalHold], *, as_json: bool) -> None:
    """Write legal holds, one a line."""
    listed = list(holds)
    if as_json:
        show_json({"items": [hold_object(one) for one in listed], "nextCursor": None})
        return
    show_table(
        ("MATTER", "PLACED", "BY", "REASON", "RELEASED", "BECAUSE"),
        (
            (
                one.matter,
                to_seconds(timestamp(one.placed_at)),
                one.placed_by,
                one.reason,
                to_seconds(timestamp(one.release.at)) if one.release else _NOTHING,
                one.release.reason if one.release else "",
            )
            for one in listed
        ),
        empty="No legal holds.",
    )


def standing_object(standing: LedgerStanding) -> dict[str, object]:
    """Return how the ledger of erasures stands, as programs read it."""
    return {
        "kept": standing.kept,
        "sound": standing.sound,
        "entries": standing.entries,
        "brokenAt": standing.broken_at,
        "missing": standing.missing,
        "broughtBack": [one.user_id for one in standing.brought_back],
    }


def show_standing(standing: LedgerStanding) -> None:
    """Write how the ledger of erasures stands."""
    if not standing.kept:
        say("No ledger of erasures is kept: set USER_SERVICE_ERASURE_LEDGER_FILE.")
        return
    say(f"{standing.entries} erasures are written down.")
    if standing.broken_at is not None:
        say(f"Entry {standing.broken_at} does not follow from the one before it: the ledger was changed.")
    if standing.missing:
        say(f"The last {standing.missing} are missing: the database knows of more.")
    for one in standing.brought_back:
        say(f"User {one.user_id} was erased, and the database has them back.")
    if standing.sound:
        say("Ledger and database agree.")
