"""Which accounts were merged into which."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    NOBODY,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Category, DataSubject, Purpose, RetentionClass

MERGES: Final = table(
    "user_merges",
    about="Accounts of the same person that were merged into this one",
    subject=Subject("survivor_id"),
    section="merges",
    category=Category.ACCOUNT,
    purposes=(Purpose.ACCOUNT, Purpose.ACCOUNTABILITY),
    retention=RetentionClass.ACCOUNT,
    erasure=DELETE,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        plain("id"),
        pseudonymous("survivor_id"),
        pseudonymous("merged_id"),
        plain("survivor_before"),
        plain("survivor_version"),
        plain("merged_version"),
        plain("merged_at"),
        plain("merged_by_kind"),
        pseudonymous("merged_by_id"),
        personal("reason"),
        plain("undone_at"),
        plain("undone_by_kind"),
        pseudonymous("undone_by_id"),
        personal("undo_reason"),
    ),
)

CANDIDATES: Final = table(
    "merge_candidates",
    about="Accounts that may be the same person's, and those that somebody found to be two people's",
    subject=Subject("first_id"),
    withheld="names another account, which may be another person's (GDPR Art. 15(4))",
    category=Category.ACCOUNT,
    purposes=(Purpose.ACCOUNT,),
    retention=RetentionClass.ACCOUNT,
    erasure=DELETE,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        pseudonymous("first_id"),
        pseudonymous("second_id"),
        personal("signs"),
        plain("score"),
        plain("found_at"),
        plain("dismissed_at"),
        plain("dismissed_by_kind"),
        pseudonymous("dismissed_by_id"),
        personal("dismissal_reason"),
    ),
)

SCANS: Final = table(
    "merge_scans",
    about="When accounts were last compared with each other",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.ADMINISTRATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("name"), plain("scanned_at")),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (MERGES, CANDIDATES, SCANS)
