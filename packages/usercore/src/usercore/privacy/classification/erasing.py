"""What erasure does, table by table: pure data for whoever carries it out."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from usercore.privacy.classification.declaring import ClassifiedTable, Subject
from usercore.privacy.classification.register import TABLES
from usercore.privacy.classification.values import Blank, DeleteRow, Keep, Shred


class ErasureAction(StrEnum):
    """What becomes of a person's rows in one table."""

    DELETE = "DELETE"
    UPDATE = "UPDATE"
    """Some columns are given other values, the rest stays."""
    SHRED = "SHRED"
    """Nothing is written: the user's key, deleted, makes it unreadable."""
    KEEP = "KEEP"


@frozen
class TableErasure:
    """What erasure does to one table.

    Args:
        table: which.
        subject: how to find the person's rows; None where no row is a person's.
        action: what becomes of them.
        blanks: for an update, the new value of each column that gets one.
        shredded: columns that are unreadable once the user's key is deleted.
        kept: for each column that stays, why.
        settled: the time column that is NULL while a row is still to be told to somebody, or None: wait for such
            rows before their contents go.
    """

    table: str
    subject: Subject | None
    action: ErasureAction
    blanks: Mapping[str, Blank]
    shredded: tuple[str, ...]
    kept: Mapping[str, str]
    settled: str | None


def erasure_plan() -> Sequence[TableErasure]:
    """Return what erasure does to every table, derived from the classification of its columns."""
    return [plan_of(table) for table in TABLES]


def plan_of(table: ClassifiedTable) -> TableErasure:
    """Return what erasure does to a table."""
    erasures = {column.name: column.erasure for column in table.columns}
    return TableErasure(
        table=table.name,
        subject=table.subject,
        action=_action(table),
        blanks={name: how for name, how in erasures.items() if isinstance(how, Blank)},
        shredded=tuple(name for name, how in erasures.items() if isinstance(how, Shred)),
        kept={name: how.reason for name, how in erasures.items() if isinstance(how, Keep)},
        settled=table.settled,
    )


def _action(table: ClassifiedTable) -> ErasureAction:
    kinds = {type(column.erasure) for column in table.columns}
    if DeleteRow in kinds:
        return ErasureAction.DELETE
    if Blank in kinds:
        return ErasureAction.UPDATE
    return ErasureAction.SHRED if Shred in kinds else ErasureAction.KEEP
