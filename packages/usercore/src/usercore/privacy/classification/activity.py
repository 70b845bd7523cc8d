"""What users did elsewhere."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Category, Purpose, Recipient, RetentionClass

_LETTER = (Recipient.NOTIFICATION,)

FACTS: Final = table(
    "activity_facts",
    about="Orders, payments and loyalty points that other services told of",
    subject=Subject("user_id"),
    section="activity",
    portable=True,
    category=Category.COMMERCE,
    purposes=(Purpose.COMMERCE,),
    retention=RetentionClass.ACTIVITY,
    # The services that sold and were paid keep the books; here nothing must stay.
    erasure=DELETE,
    columns=(
        plain("kind"),
        pseudonymous("fact_id", as_="id", recipients=_LETTER),
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("event_id", portable=False),
        personal("occurred_at", as_="at"),
        pseudonymous("order_id", recipients=_LETTER),
        personal("amount", recipients=_LETTER),
        personal("currency", recipients=_LETTER),
        personal("items"),
        personal("points"),
        personal("error_code", recipients=_LETTER),
        personal("reason"),
        plain("recorded_at", portable=False),
        plain("actor_kind", portable=False),
        pseudonymous("actor_id", portable=False),
        pseudonymous("correlation_id", portable=False),
        pseudonymous("causation_id", portable=False),
        pseudonymous("told_of", portable=False, withheld="an account of the same person; the section merges shows it"),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (FACTS,)
