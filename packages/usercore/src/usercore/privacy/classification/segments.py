"""Filters that are kept under names."""

from typing import Final

from usercore.privacy.classification.declaring import NOBODY, ClassifiedTable, plain, pseudonymous, table
from usercore.privacy.classification.values import Category, DataSubject, Keep, Purpose, RetentionClass

SEGMENTS: Final = table(
    "segments",
    about="Filters that operators keep under names; they name nobody",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.ADMINISTRATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(DataSubject.OPERATORS,),
    columns=(
        plain("name"),
        plain("filter"),
        plain("about"),
        plain("saved_at"),
        pseudonymous("saved_by", erasure=Keep("names an operator, whose data is not the user's")),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (SEGMENTS,)
