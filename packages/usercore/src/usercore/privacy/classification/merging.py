"""Which accounts were merged into which."""

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

TABLES: Final[tuple[ClassifiedTable, ...]] = (MERGES,)
