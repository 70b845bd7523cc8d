"""Parts of a quarter each: how they are named, and the statements that make them.

History and the audit trail are parted so. Each part has a primary key of its own, as narrow as that of a table which
is not parted. Source: [ADR 29](docs/adr/0029-history-and-audit-in-partitions.md).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

KEYS: Final[Mapping[str, str]] = {"user_history": "user_id, version", "audit_entries": "user_id, sequence"}
"""The tables that are parted, each with the primary key of its parts."""
AHEAD: Final = 2
"""Parts beyond the one that is written to: half a year in which nobody needs to make any."""
_MONTHS: Final = 3
_YEAR: Final = 12

_NOT_EMPTIED: Final = """
CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON {name}
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
"""


def quarter(at: datetime) -> datetime:
    """Return when the quarter of a time began, in UTC."""
    at = at.astimezone(UTC)
    return datetime(at.year, (at.month - 1) // _MONTHS * _MONTHS + 1, 1, tzinfo=UTC)


def after(start: datetime, quarters: int = 1) -> datetime:
    """Return the beginning of the quarter that comes so many after one."""
    months = start.year * _YEAR + start.month - 1 + quarters * _MONTHS
    return datetime(months // _YEAR, months % _YEAR + 1, 1, tzinfo=UTC)


def written(at: datetime | None) -> str:
    """Return a bound as SQL; None is before all times."""
    return "MINVALUE" if at is None else f"'{at.isoformat()}'"


def part_name(table: str, start: datetime) -> str:
    """Return what the part of a quarter is called."""
    return f"{table}_{start.year}q{start.month // _MONTHS + 1}"


def made(table: str, name: str) -> Iterator[str]:
    """Yield what makes a part that belongs to nothing yet."""
    yield f"CREATE TABLE {name} (LIKE {table}, CONSTRAINT pk_{name} PRIMARY KEY ({KEYS[table]}))"
    if table == "audit_entries":
        # What is to be done with rows, the table's own trigger refuses in all its parts.
        yield _NOT_EMPTIED.format(name=name)
        yield f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER audit_entries_are_not_emptied"
        yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM PUBLIC, CURRENT_USER"


def attached(table: str, name: str, low: datetime | None, high: datetime) -> str:
    """Return what gives a part its time; writers of other parts need not wait for it."""
    return f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({written(low)}) TO ({written(high)})"
