"""Record what users did elsewhere."""

from collections.abc import Sequence

from attrs import frozen

from usercore.activity.facts import Fact
from usercore.activity.ports import ActivityWriter, NewFact
from usercore.activity.values import FactOutcome
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock, IdGenerator


@frozen
class RecordFacts:
    """Records facts, each once, however often it is told."""

    writer: ActivityWriter
    clock: Clock
    ids: IdGenerator

    async def __call__(self, fact: Fact, context: CommandContext) -> FactOutcome:
        """Record one fact; see :meth:`many`."""
        [outcome] = await self.many([fact], [context])
        return outcome

    async def many(self, facts: Sequence[Fact], contexts: Sequence[CommandContext]) -> Sequence[FactOutcome]:
        """Record facts together and say what became of each, in the order given.

        Facts of one call may build on each other, in whatever order they stand: an order and its payment are both
        recorded. An early fact leaves nothing behind and may be told again later.

        Args:
            facts: what happened.
            contexts: for each fact, who told it, because of what.

        Raises:
            InvalidError: some text of a context cannot be stored; nothing was recorded.
            UnavailableError: the database does not answer; recording the same facts again is safe.
            ExhaustedError: too many writes wait already; nothing was recorded.
        """
        if not facts:
            return []
        now = self.clock.now()
        told = zip(facts, contexts, strict=True)
        return await self.writer.record([NewFact(fact, self.ids.event_id(), now, context) for fact, context in told])
