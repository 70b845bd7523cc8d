"""Imports, and what was wrong with their rows."""

from typing import Final

from usercore.privacy.classification.declaring import NOBODY, ClassifiedTable, personal, plain, pseudonymous, table
from usercore.privacy.classification.values import Category, DataSubject, Purpose, RetentionClass

IMPORTS: Final = table(
    "imports",
    about="Imports: by whom, how many rows, how far",
    withheld="counts rows and says nothing of a user",
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.SET_ASIDE,
    erasure=NOBODY,
    data_subjects=(DataSubject.OPERATORS,),
    columns=(
        plain("id"),
        plain("format"),
        plain("mode"),
        plain("by"),
        plain("quiet"),
        plain("invite"),
        plain("fingerprint"),
        plain("state"),
        plain("end_at"),
        plain("line"),
        plain("created"),
        plain("updated"),
        plain("unchanged"),
        plain("skipped"),
        plain("failed"),
        pseudonymous("started_by"),
        plain("started_at"),
        plain("updated_at"),
        plain("finished_at"),
        plain("trouble"),
        plain("uploaded"),
        plain("taken_at"),
    ),
)

ERRORS: Final = table(
    "import_errors",
    about="Which rule a row of an import broke, by its line and the field's name",
    withheld="repeats nothing that stood in the row",
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.SET_ASIDE,
    erasure=NOBODY,
    data_subjects=(),
    columns=(
        plain("import_id"),
        plain("number"),
        plain("line"),
        plain("code"),
        plain("pointer"),
        plain("detail"),
    ),
)

PARTS: Final = table(
    "import_parts",
    about="Files of users to be imported, sealed, until they are: minutes, an hour where the rest of one does not come",
    withheld="nobody is found in it before it is imported; then the user is shown",
    category=Category.IDENTITY,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.SET_ASIDE,
    erasure=NOBODY,
    data_subjects=(DataSubject.USERS,),
    columns=(plain("import_id"), plain("number"), plain("came_at"), personal("sealed")),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (IMPORTS, ERRORS, PARTS)
