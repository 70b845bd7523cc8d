"""What is exported, and what came of it."""

from enum import StrEnum

from attrs import field, frozen

from usercore.activity.summary import DEFAULT_TIERS, LoyaltyTiers
from usercore.users.queries import UserQuery


class ExportFormat(StrEnum):
    """How users are written down."""

    NDJSON = "ndjson"
    """A JSON object a line, in UTF-8, as the API serves a profile."""
    CSV = "csv"
    """A line of names, then a line for each user. Source: RFC 4180, with LF as the end of a line."""


class Restricted(StrEnum):
    """What becomes of users whose data may be kept and not otherwise processed. Source: GDPR Art. 18(2)."""

    EXCLUDE = "exclude"
    INCLUDE = "include"
    ONLY = "only"


@frozen
class Selection:
    """Which users, and what of them.

    Args:
        query: whom; its order, limit and cursor mean nothing here.
        fields: leaves, in the profile's order, as :func:`usercore.bulk.exports.fields.chosen_fields` gives them.
        format: how they are written down.
        restricted: what becomes of users whose data is restricted.
        formulas: leave cells as they are that a spreadsheet would run.
        in_order: by id, so that two exports of the same users are the same bytes; else as it is quickest.
        tiers: of the loyalty programme.
    """

    query: UserQuery
    fields: tuple[str, ...]
    format: ExportFormat
    restricted: Restricted = Restricted.EXCLUDE
    formulas: bool = False
    in_order: bool = False
    tiers: LoyaltyTiers = DEFAULT_TIERS


@frozen
class Chunk:
    """Some users, written down: whole lines.

    Args:
        users: how many.
        data: their lines.
    """

    users: int
    data: bytes = field(repr=False)


@frozen
class ExportProgress:
    """How far an export has come.

    Args:
        users: how many were written.
        expected: how many there are in all, by the database's statistics: a guess.
    """

    users: int
    expected: int


@frozen
class ExportSummary:
    """What an export wrote.

    Args:
        users: how many.
        size: in bytes, before whoever takes them turns them into something else.
        fields: what of each.
        filters: by what they were chosen, without anything personal.
    """

    users: int
    size: int
    fields: tuple[str, ...]
    filters: tuple[str, ...]
