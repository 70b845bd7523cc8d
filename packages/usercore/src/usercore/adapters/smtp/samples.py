"""Letters to nobody: to try templates on, and to show what they look like."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from usercore.adapters.smtp.letters import LETTERS, content_of
from usercore.adapters.smtp.rendering import Words
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.secret import Secret
from usercore.settings import SmtpSettings

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
_LATER: Final = NOW + timedelta(minutes=15)
_NEXT_DAY: Final = NOW + timedelta(hours=24)
_MUCH_LATER: Final = NOW + timedelta(days=30)
_MORE: Final[Mapping[Operation, Mapping[str, object]]] = {
    Operation.SEND_PAYMENT_FAILED: {"orderId": "A-1001", "amount": {"value": "12.50", "currency": "EUR"}},
    Operation.SEND_VERIFICATION: {
        "channel": "email",
        "verificationId": "01a20a71-cd43-75c5-8b2d-2932faed73cf",
        "expiresAt": _LATER.isoformat(),
        "linkExpiresAt": _NEXT_DAY.isoformat(),
    },
    Operation.SEND_PRIVACY_ANSWER: {
        "requestId": "01a20a71-cd43-75c5-8b2d-2932faed73d0",
        "kind": "ACCESS",
        "outcome": "COMPLETED",
        "url": "https://privacy.example.com/downloads/sample",
        "expiresAt": _MUCH_LATER.isoformat(),
    },
    Operation.SEND_INACTIVITY_NOTICE: {"deactivatesAt": _MUCH_LATER.isoformat()},
}
_LINK: Final = "kJ3vQmT0pZx8sYwUo4bLhR6fNcVeGd1aW7iX2tSrEyM"
_SECRETS: Final[Mapping[Operation, Secret]] = {
    Operation.SEND_WELCOME: Secret(json.dumps({"verificationToken": _LINK})),
    Operation.SEND_INVITATION: Secret(json.dumps({"verificationToken": _LINK})),
    Operation.SEND_VERIFICATION: Secret(json.dumps({"code": "483920", "token": _LINK})),
}


def sample(operation: Operation, locale: str | None = None, **members: Any) -> Delivery:  # noqa: ANN401 -- JSON
    """Return a delivery to a person made up.

    Args:
        operation: one that sends a letter.
        locale: of the person.
        members: of the payload, in place of those of the sample.
    """
    payload = {"email": "grace@example.com", "firstName": "Grace", "locale": locale, **_MORE.get(operation, {})}
    return Delivery(
        event_id=EventId("01a20a71-cd43-75c5-8b2d-2932faed73ce"),
        recipient=Recipient.NOTIFICATION,
        operation=operation,
        user_id=UserId("01a20a71-cd43-75c5-8b2d-2932faed73cd"),
        payload=payload | members,
        secret=_SECRETS.get(operation),
        created_at=NOW,
    )


def sample_words(settings: SmtpSettings) -> Mapping[str, Iterable[Words]]:
    """Return for each letter what it may be asked to say: as much, and as little as there can be."""
    found: dict[str, Iterable[Words]] = {"test": [Words(company=settings.company_shown)]}
    for operation, name in LETTERS.items():
        full = sample(operation, listUnsubscribe="<https://example.com/unsubscribe/sample>")
        bare = sample(operation, firstName=None, orderId=None, amount=None, url=None, kind="OTHER", outcome="OTHER")
        later = sample(
            operation, outcome="EXTENDED", dueAt=_MUCH_LATER.isoformat(), reason="…", law="…", expiresAt=None
        )
        found[name] = [content_of(one, settings, NOW).words for one in (full, bare, later)]
    return found
