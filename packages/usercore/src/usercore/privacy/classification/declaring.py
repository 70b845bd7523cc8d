"""How a feature declares what its tables hold.

::

    PREFERENCES = table(
        "email_preferences",
        about="What people said of each email topic",
        subject=Subject("user_id"),
        section="emailPreferences",
        category=Category.PREFERENCES,
        purposes=(Purpose.TOPIC_MAIL,),
        retention=RetentionClass.ACCOUNT,
        erasure=DELETE,
        columns=(
            pseudonymous("user_id", withheld="the person's own id stands in the manifest"),
            personal("topic", portable=True),
            …
        ),
    )

What a column does not say, its table says for all.
"""

from collections.abc import Iterable
from typing import Final, TypedDict, Unpack

from attrs import frozen

from usercore.privacy.classification.values import (
    Blank,
    Category,
    DataSubject,
    DeleteRow,
    Erasure,
    Export,
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

DELETE: Final = DeleteRow()
SHRED: Final = Shred()
NULL: Final = Blank()
NOBODY: Final = Keep("says nothing of a person")
"""Why erasure leaves what it leaves in a table without personal data."""


@frozen
class Subject:
    """The column that says whose row it is, by the user's id."""

    column: str


@frozen
class ClassifiedColumn:
    """What one column holds, why, and what becomes of it.

    Args:
        table: its table.
        name: the column.
        category: what sort of data.
        purposes: what for; empty where it says nothing of a person.
        retention: for how long.
        sensitivity: how close to the person.
        erasure: what erasure does.
        export: where it appears in a person's archive.
        recipients: who else is told.
        facet: the name under which history, events and the audit trail know it, or None.
    """

    table: str
    name: str
    category: Category
    purposes: tuple[Purpose, ...]
    retention: RetentionClass
    sensitivity: Sensitivity
    erasure: Erasure
    export: Export
    recipients: tuple[Recipient, ...]
    facet: str | None

    @property
    def key(self) -> str:
        """``table.column``."""
        return f"{self.table}.{self.name}"

    @property
    def bases(self) -> tuple[LegalBasis, ...]:
        """By what right: one for each purpose, none twice."""
        return tuple(dict.fromkeys(purpose.basis for purpose in self.purposes))


@frozen
class ClassifiedTable:
    """What one table holds.

    Args:
        name: the table.
        about: what it holds, for people.
        subject: how to find a person's rows, or None where it has none.
        section: the archive's section that shows it, or None.
        data_subjects: whose data it holds.
        settled: the time column that is NULL while a row is still to be told to somebody, or None. Erasure waits
            for such rows.
        columns: each of them.
    """

    name: str
    about: str
    subject: Subject | None
    section: str | None
    data_subjects: tuple[DataSubject, ...]
    settled: str | None
    columns: tuple[ClassifiedColumn, ...]


class ColumnSays(TypedDict, total=False):
    """What a column may say for itself: the fields of :class:`ClassifiedColumn`, and where it is exported.

    `as_` is its name in the archive, camelCase of the column unless given; `withheld` says why it is not there.
    """

    category: Category
    purposes: tuple[Purpose, ...]
    retention: RetentionClass
    erasure: Erasure
    recipients: tuple[Recipient, ...]
    facet: str
    as_: str
    portable: bool
    withheld: str


class TableSays(TypedDict, total=False):
    """What a table says for every column that says nothing else."""

    section: str
    withheld: str
    portable: bool
    subject: Subject
    recipients: tuple[Recipient, ...]
    data_subjects: tuple[DataSubject, ...]
    settled: str


@frozen
class ColumnDraft:
    """A column before its table has said the rest."""

    name: str
    sensitivity: Sensitivity
    says: ColumnSays


def plain(name: str, **says: Unpack[ColumnSays]) -> ColumnDraft:
    """Return a column that says nothing of anybody."""
    return ColumnDraft(name, Sensitivity.NONE, says)


def pseudonymous(name: str, **says: Unpack[ColumnSays]) -> ColumnDraft:
    """Return a column with ids or hashes of people."""
    return ColumnDraft(name, Sensitivity.PSEUDONYMOUS, says)


def personal(name: str, **says: Unpack[ColumnSays]) -> ColumnDraft:
    """Return a column that says something of a person."""
    return ColumnDraft(name, Sensitivity.PERSONAL, says)


def contact(name: str, **says: Unpack[ColumnSays]) -> ColumnDraft:
    """Return a column by which a person is reached."""
    return ColumnDraft(name, Sensitivity.CONTACT, says)


def special(name: str, **says: Unpack[ColumnSays]) -> ColumnDraft:
    """Return a column with a secret, or with what GDPR Art. 9 names."""
    return ColumnDraft(name, Sensitivity.SPECIAL, says)


def table(
    name: str,
    *,
    about: str,
    category: Category,
    purposes: tuple[Purpose, ...],
    retention: RetentionClass,
    erasure: Erasure,
    columns: Iterable[ColumnDraft],
    **says: Unpack[TableSays],
) -> ClassifiedTable:
    """Declare a table.

    Args:
        name: of the table.
        about: what it holds, for people.
        category: what sort of data.
        purposes: what for.
        retention: for how long.
        erasure: what erasure does to it.
        columns: each of them, with what is different there.
        says: `section` of the archive, or `withheld` and why; `subject`, where rows belong to a person.

    Raises:
        ValueError: the declaration contradicts itself.
    """
    common = ColumnSays(category=category, purposes=purposes, retention=retention, erasure=erasure)
    declared = ClassifiedTable(
        name=name,
        about=about,
        subject=says.get("subject"),
        section=says.get("section"),
        data_subjects=says.get("data_subjects", (DataSubject.USERS,)),
        settled=says.get("settled"),
        columns=tuple(_column(name, draft, common, says) for draft in columns),
    )
    _require_sense(declared, says)
    return declared


def _column(table_name: str, draft: ColumnDraft, common: ColumnSays, of_table: TableSays) -> ClassifiedColumn:
    says: ColumnSays = {**common, **draft.says}
    is_about_nobody = draft.sensitivity is Sensitivity.NONE and "purposes" not in draft.says
    return ClassifiedColumn(
        table=table_name,
        name=draft.name,
        category=says["category"],
        purposes=() if is_about_nobody and of_table.get("subject") is None else says["purposes"],
        retention=says["retention"],
        sensitivity=draft.sensitivity,
        erasure=says["erasure"],
        export=_export(draft, of_table),
        recipients=says.get("recipients", of_table.get("recipients", ())),
        facet=says.get("facet"),
    )


def _export(draft: ColumnDraft, of_table: TableSays) -> Export:
    reason = draft.says.get("withheld", of_table.get("withheld"))
    if reason is not None:
        return Withheld(reason)
    portable = draft.says.get("portable", of_table.get("portable", False))
    return Exported(draft.says.get("as_", camel(draft.name)), portable)


def _require_sense(declared: ClassifiedTable, says: TableSays) -> None:
    if (declared.section is None) == ("withheld" not in says):
        raise ValueError(f"{declared.name}: give the archive's section, or say why it is withheld")
    if declared.section is not None and declared.subject is None:
        raise ValueError(f"{declared.name}: what is exported must belong to a person")
    deleted = {isinstance(column.erasure, DeleteRow) for column in declared.columns}
    if len(deleted) > 1:
        raise ValueError(f"{declared.name}: a row is deleted whole, or not at all")
    if deleted == {True} and declared.subject is None:
        raise ValueError(f"{declared.name}: whose rows are to be deleted?")


def camel(name: str) -> str:
    """Return a column's name as the wire has names: ``first_name`` → ``firstName``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
