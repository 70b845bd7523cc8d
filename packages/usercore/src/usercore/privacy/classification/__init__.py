"""Every stored field, classified once: what for, by what right, for how long, how close to the person.

From it come erasure, export, the redaction of logs and the processing register. A column that is not classified fails
the tests. :mod:`usercore.privacy.classification.declaring` shows how a feature declares its tables.
"""

from usercore.privacy.classification.declaring import ClassifiedColumn, ClassifiedTable, Subject
from usercore.privacy.classification.erasing import ErasureAction, TableErasure, erasure_plan
from usercore.privacy.classification.register import COLUMNS, TABLES, all_columns, columns_of
from usercore.privacy.classification.values import (
    Blank,
    Category,
    DataSubject,
    DeleteRow,
    Exported,
    Keep,
    LegalBasis,
    Purpose,
    Recipient,
    RetentionClass,
    Sensitivity,
    Shred,
    Withheld,
)

__all__ = [
    "COLUMNS",
    "TABLES",
    "Blank",
    "Category",
    "ClassifiedColumn",
    "ClassifiedTable",
    "DataSubject",
    "DeleteRow",
    "ErasureAction",
    "Exported",
    "Keep",
    "LegalBasis",
    "Purpose",
    "Recipient",
    "RetentionClass",
    "Sensitivity",
    "Shred",
    "Subject",
    "TableErasure",
    "Withheld",
    "all_columns",
    "columns_of",
    "erasure_plan",
]
