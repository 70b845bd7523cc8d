"""Which columns stand in which section of an archive, under which name."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from usercore.privacy.classification import TABLES, ClassifiedColumn, ClassifiedTable, Exported
from usercore.privacy.export.ports import PersonalRow
from usercore.privacy.export.values import ArchiveKind


@frozen
class ExportedColumn:
    """One column and its name in the archive."""

    column: ClassifiedColumn
    name: str


@frozen
class Section:
    """One section of an archive: the exported columns of one table."""

    name: str
    table: ClassifiedTable
    columns: tuple[ExportedColumn, ...]

    def record_of(self, row: PersonalRow) -> dict[str, Any]:
        """Return a row as the archive shows it, dotted names nested.

        Raises:
            KeyError: the row lacks a column.
        """
        record: dict[str, Any] = {}
        for one in self.columns:
            *parents, last = one.name.split(".")
            place = record
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = row[one.column.name]
        return record


def sections_of(kind: ArchiveKind) -> tuple[Section, ...]:
    """Return the sections of a kind of archive; for portability only those that have something portable."""
    made = (_section(table, kind) for table in TABLES if table.section is not None)
    return tuple(section for section in made if section.columns)


def _section(table: ClassifiedTable, kind: ArchiveKind) -> Section:
    return Section(table.section or "", table, tuple(_columns(table, kind)))


def _columns(table: ClassifiedTable, kind: ArchiveKind) -> Iterator[ExportedColumn]:
    for column in table.columns:
        export = column.export
        if isinstance(export, Exported) and (export.portable or kind is ArchiveKind.ACCESS):
            yield ExportedColumn(column, export.name)


def withheld() -> Iterator[Mapping[str, object]]:
    """Yield what of people's data no archive shows, and why they lose nothing by it."""
    for table in TABLES:
        if table.subject is None:
            continue
        reasons: dict[str, list[str]] = {}
        for column in table.columns:
            if not isinstance(column.export, Exported):
                reasons.setdefault(column.export.reason, []).append(column.name)
        for reason, fields in reasons.items():
            yield {"data": table.about, "fields": fields, "reason": reason}
