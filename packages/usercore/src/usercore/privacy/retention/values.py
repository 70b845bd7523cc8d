"""What is kept for how long, and what a run has found and done."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from usercore.kernel.ids import UserId


class Kept(StrEnum):
    """Rows that are deleted once they are old enough."""

    SETTLED_DEAD_LETTERS = "settled_dead_letters"
    """Replayed or discarded."""
    WAITING_DEAD_LETTERS = "waiting_dead_letters"
    """That no operator has looked after."""
    ACTIVITY = "activity"
    """Orders, payments and points, by the time when they happened."""
    CLOSED_REQUESTS = "closed_requests"
    """Privacy requests that were answered; erasures stay, they prove themselves."""


class Trail(StrEnum):
    """What is kept of the past, in parts of a quarter each."""

    HISTORY = "history"
    """What changed in each version of a user."""
    AUDIT = "audit"
    """Who did what to whom."""


class Step(StrEnum):
    """What becomes of an account that nobody uses."""

    NOTICE = "inactivity_notice"
    DEACTIVATION = "inactivity_deactivation"
    ERASURE = "inactivity_erasure"


@frozen
class InactivityRule:
    """When an account counts as unused, and what follows.

    Args:
        after: since when nothing was changed and no fact was told.
        grace: between the notice and the deactivation.
        erasure: between the deactivation and the request to erase; None asks for none.
    """

    after: timedelta
    grace: timedelta
    erasure: timedelta | None = None


@frozen
class Schedule:
    """How long things are kept.

    Args:
        kept: what is deleted after how long; what is not named stays.
        inactivity: what becomes of unused accounts; None leaves them.
    """

    kept: Mapping[Kept, timedelta] = field(factory=dict)
    inactivity: InactivityRule | None = None


NO_SCHEDULE: Final = Schedule()
"""Everything stays."""


@frozen
class Part:
    """A part of history or of the audit trail.

    Args:
        trail: of which.
        name: of its table.
        low: when it begins; None for the first, and for the rest.
        high: when it ends; None for the rest, which takes what no other part does.
        size: bytes, with indexes.
        rows: about how many, when statistics were last taken.
    """

    trail: Trail
    name: str
    low: datetime | None
    high: datetime | None
    size: int
    rows: int


@frozen
class Due:
    """What one rule would do now.

    Args:
        count: to how many rows or accounts.
        oldest: the time of the oldest of them, by which it is judged.
        held: how many more it would be, but for legal holds and restrictions.
    """

    count: int
    oldest: datetime | None = None
    held: int = 0


@frozen
class ReportLine:
    """One rule's part of a run.

    Args:
        rule: which rule.
        kept_for: after how long.
        due: what it found when it began.
        done: what it did; 0 in a dry run.
    """

    rule: Kept | Step
    kept_for: timedelta
    due: Due
    done: int


@frozen
class Unused:
    """An account that nobody uses.

    Args:
        user_id: whose.
        version: the user's version when that was found.
        since: when it was last used, or noticed, or deactivated: what the rule goes by.
    """

    user_id: UserId
    version: int
    since: datetime
