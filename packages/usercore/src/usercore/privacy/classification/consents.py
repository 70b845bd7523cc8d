"""Purposes of consents, the ledger, and addresses that must not be written to."""

from typing import Final

from usercore.privacy.classification.declaring import (
    NOBODY,
    NULL,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Blank, Category, Keep, Purpose, Recipient, RetentionClass

FACET: Final = "consents."
"""What history calls a consent: this and the purpose's name."""

_EVIDENCE: Final = Keep(
    "shows what data was used for by what consent; after erasure the id is nobody's (Art. 17(3)(e))"
)

PURPOSES: Final = table(
    "consent_purposes",
    about="What data may be used for, if people consent",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.ADMINISTRATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(
        plain("name"),
        plain("title"),
        plain("description"),
        plain("wording_version"),
        plain("registered_at"),
    ),
)

CONSENTS: Final = table(
    "consents",
    about="What people allowed and forbade, line by line",
    subject=Subject("user_id"),
    section="consents",
    portable=True,
    category=Category.PREFERENCES,
    purposes=(Purpose.RIGHTS,),
    retention=RetentionClass.RIGHTS,
    erasure=_EVIDENCE,
    recipients=(Recipient.CONSUMERS,),
    columns=(
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("version", portable=False),
        plain("purpose", facet=FACET),
        personal("given", facet=FACET),
        plain("wording_version", facet=FACET),
        # Free text of the caller's, so that it may name the person.
        personal("source", facet=FACET, erasure=Blank("")),
        plain("said_at", facet=FACET, as_="changedAt"),
        plain("actor_kind", portable=False),
        pseudonymous("actor_id", portable=False),
        personal("proof", erasure=NULL, recipients=()),
    ),
)

SUPPRESSIONS: Final = table(
    "suppressions",
    about="Addresses that must not be written to, as keyed hashes",
    withheld="hashes that nobody can read; whether an address is on the list is told on request",
    category=Category.CONTACT,
    purposes=(Purpose.RIGHTS,),
    retention=RetentionClass.RIGHTS,
    erasure=Keep("without it an erased person would be written to again; it holds no address"),
    columns=(
        pseudonymous("address_hash"),
        plain("reason"),
        plain("since"),
        plain("source"),
        plain("lifted_at"),
        pseudonymous("lifted_by"),
        plain("lifted_because"),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (PURPOSES, CONSENTS, SUPPRESSIONS)
