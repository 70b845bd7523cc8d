"""Every classified table in one place, and ways to look into them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from usercore.privacy.classification import (
    activity,
    audit,
    consents,
    imports,
    keys,
    merging,
    preferences,
    receipts,
    requests,
    retention,
    segments,
    trails,
    users,
    verifications,
)
from usercore.privacy.classification.declaring import ClassifiedColumn, ClassifiedTable

TABLES: Final[tuple[ClassifiedTable, ...]] = (
    *users.TABLES,
    *keys.TABLES,
    *preferences.TABLES,
    *consents.TABLES,
    *activity.TABLES,
    *trails.TABLES,
    *audit.TABLES,
    *receipts.TABLES,
    *requests.TABLES,
    *retention.TABLES,
    *imports.TABLES,
    *verifications.TABLES,
    *merging.TABLES,
    *segments.TABLES,
)
"""A feature that adds a table adds its module here."""


def all_columns() -> Iterator[ClassifiedColumn]:
    """Yield every column of every table."""
    for table in TABLES:
        yield from table.columns


def _by_key(columns: Iterable[ClassifiedColumn]) -> Mapping[str, ClassifiedColumn]:
    found: dict[str, ClassifiedColumn] = {}
    for column in columns:
        if column.key in found:
            raise ValueError(f"{column.key} is classified twice")
        found[column.key] = column
    return found


COLUMNS: Final = _by_key(all_columns())
"""Every column by ``table.column``."""


def columns_of(facet: str) -> tuple[ClassifiedColumn, ...]:
    """Return the columns behind a name that history, events and the audit trail use; none for an unknown one."""
    head, dot, _ = facet.partition(".")
    return tuple(column for column in COLUMNS.values() if column.facet in (facet, head + dot))
