"""What people asked of their data, archives made for them, and legal holds."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    NULL,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Blank, Category, DataSubject, Keep, Purpose, RetentionClass

_PROOF = Keep("legal obligation: proves that the request was answered in time, without what was said in it")
_BOOKKEEPING = "how far the service has come with it"

REQUESTS: Final = table(
    "privacy_requests",
    about="What people asked of their data, and what became of it",
    subject=Subject("user_id"),
    section="privacyRequests",
    category=Category.REQUESTS,
    purposes=(Purpose.RIGHTS,),
    retention=RetentionClass.RIGHTS,
    erasure=_PROOF,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        plain("id"),
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("version", withheld=_BOOKKEEPING),
        plain("kind"),
        plain("jurisdiction"),
        plain("state"),
        plain("received_at"),
        plain("due_at"),
        plain("updated_at"),
        plain("received_from_kind"),
        pseudonymous("received_from_id"),
        personal("asked_text", erasure=NULL),
        personal("asked_patch", erasure=NULL),
        plain("identity_method"),
        plain("identity_at"),
        plain("identity_by_kind"),
        pseudonymous("identity_by_id"),
        personal("identity_note", erasure=NULL),
        plain("extended_at"),
        personal("extension_reason", erasure=Blank("")),
        plain("refusal_ground"),
        personal("refusal_text", erasure=Blank("")),
        personal("outcome", erasure=NULL),
        plain("closed_at"),
        plain("trouble", withheld=_BOOKKEEPING),
        plain("archive_until"),
        plain("erasure_step", withheld=_BOOKKEEPING),
        plain("erasure_event_id", withheld=_BOOKKEEPING),
        plain("erasure_since", withheld=_BOOKKEEPING),
        plain("erasure_receipts", withheld=_BOOKKEEPING),
        plain("erasure_dropped", withheld=_BOOKKEEPING),
        plain("ledger_sequence", withheld=_BOOKKEEPING),
        plain("run_at", withheld=_BOOKKEEPING),
    ),
)

ARCHIVES: Final = table(
    "privacy_archives",
    about="Archives that people may fetch, until they expire",
    subject=Subject("user_id"),
    withheld="a copy of everything that stands in this archive",
    category=Category.REQUESTS,
    purposes=(Purpose.RIGHTS,),
    retention=RetentionClass.ARCHIVES,
    erasure=DELETE,
    columns=(
        plain("request_id"),
        plain("chunk"),
        pseudonymous("user_id"),
        personal("sealed"),
        plain("expires_at"),
    ),
)

HOLDS: Final = table(
    "legal_holds",
    about="Legal matters for which somebody's data must stay",
    subject=Subject("user_id"),
    withheld="telling of it could defeat the legal claim (GDPR Art. 23(1)(j))",
    category=Category.REQUESTS,
    purposes=(Purpose.RIGHTS,),
    retention=RetentionClass.RIGHTS,
    erasure=_PROOF,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        pseudonymous("user_id"),
        pseudonymous("matter"),
        plain("placed_at"),
        plain("placed_by_kind"),
        pseudonymous("placed_by_id"),
        personal("reason", erasure=Blank("")),
        plain("released_at"),
        plain("released_by_kind"),
        pseudonymous("released_by_id"),
        personal("release_reason", erasure=Blank("")),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (REQUESTS, ARCHIVES, HOLDS)
