"""Legal holds: data that must stay because a law or a claim needs it."""

from datetime import datetime

from attrs import evolve, field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId


@frozen
class Release:
    """The end of a hold.

    Args:
        at: aware, UTC.
        by: who ended it.
        reason: why.
    """

    at: datetime
    by: Actor
    reason: str = field(repr=False)


@frozen
class LegalHold:
    """Keeps one user's data from erasure and retention, for one matter.

    Args:
        user_id: whose data.
        matter: names what it is for: ``case-2026-17``. A user may be held for several.
        reason: why.
        placed_at: aware, UTC.
        placed_by: who.
        release: how it ended, or None while it holds.
    """

    user_id: UserId
    matter: str
    reason: str = field(repr=False)
    placed_at: datetime
    placed_by: Actor
    release: Release | None = None


def without_words(hold: LegalHold) -> LegalHold:
    """Return a hold without anything that somebody wrote about it."""
    return evolve(hold, reason="", release=hold.release and evolve(hold.release, reason=""))
