"""What the activity feature asks of the world outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from usercore.activity.facts import Fact
from usercore.activity.pages import FactPosition
from usercore.activity.summary import Tally
from usercore.activity.values import FactKind, FactOutcome
from usercore.kernel.context import Actor, CommandContext
from usercore.kernel.ids import EventId, UserId


@frozen
class NewFact:
    """A fact that was heard.

    Args:
        fact: itself.
        event_id: names it for ever, should it be recorded; no other fact of a call has the same.
        recorded_at: aware, UTC.
        context: who told it, because of what.
    """

    fact: Fact = field(repr=False)
    event_id: EventId
    recorded_at: datetime
    context: CommandContext


@frozen
class FactEntry:
    """A fact as it is remembered of a user."""

    user_id: UserId
    event_id: EventId
    recorded_at: datetime
    actor: Actor
    correlation_id: str
    causation_id: str | None
    fact: Fact = field(repr=False)


class ActivityWriter(Protocol):
    """Records facts."""

    async def record(self, facts: Sequence[NewFact]) -> Sequence[FactOutcome]:
        """Record each fact that is new and whose user is known, and say what became of each.

        A fact is known by its kind and id; of several with the same, the first one wins, and a later one is KNOWN
        or CONFLICTING. Its user is the one that it names, or whose recorded order or failed payment it names; where
        there is none yet, the fact is EARLY and leaves nothing behind. The facts of an erased user are IGNORED,
        whatever else holds of them.

        Facts of one call may build on each other, in whatever order they stand: it is as if orders and points came
        first, then payments that name an order, then those that do not; within each, in the order given.

        The user's row is locked against changes while its fact is written, so that none is left behind by an erasure,
        and is neither changed nor brought a version further. All that is recorded, and for each failed payment the
        delivery that asks for a notification, whatever the user's email preferences say, enters in one transaction.

        Returns:
            For each fact, in the order given, what became of it.

        Raises:
            InvalidError: some text of a context cannot be stored; nothing was recorded.
            UnavailableError: the database does not answer. Whether the facts are recorded is then unknown; recording
                them again is safe.
            ExhaustedError: too many writes wait already; nothing was recorded.
        """
        ...


class ActivityReader(Protocol):
    """Reads what is remembered of what users did elsewhere."""

    async def entries(
        self, user_id: UserId, *, kinds: frozenset[FactKind], after: FactPosition | None, limit: int
    ) -> Sequence[FactEntry]:
        """Return at most `limit` facts of these kinds behind a position, by keyset: as quick at any depth.

        The newest come first, by the time at which they happened; the event id decides among those of one moment.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def tallies(self, ids: Sequence[UserId]) -> Mapping[UserId, Tally]:
        """Return for each user, known or not, what their facts amount to.

        Raises:
            UnavailableError: the database does not answer.
            ExhaustedError: too many reads wait already.
        """
        ...
