"""Who was told that their account is going to be deactivated, and when the schedule was last run."""

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
from usercore.privacy.classification.values import Category, Purpose, RetentionClass

NOTICES: Final = table(
    "inactivity_notices",
    about="Who was told that their account is going to be deactivated because nobody uses it",
    subject=Subject("user_id"),
    section="inactivityNotices",
    category=Category.ACCOUNT,
    purposes=(Purpose.ACCOUNT,),
    retention=RetentionClass.ACCOUNT,
    erasure=DELETE,
    columns=(
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        personal("noticed_at"),
        plain("event_id"),
    ),
)

RUNS: Final = table(
    "retention_runs",
    about="When the retention schedule was last run",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("name"), plain("leased_until"), plain("last_run_at")),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (NOTICES, RUNS)
