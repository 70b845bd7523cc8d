"""Take a merge back, and say before what would come of it."""

from attrs import evolve, field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.kernel.receipts import IdempotencyLedger, Settled
from usercore.merging.errors import MergeNotFoundError, MergeTermOverError
from usercore.merging.events import UndoRecord
from usercore.merging.merge_users import DoneMerge
from usercore.merging.ports import MergeReader
from usercore.merging.steps import UNDONE, Steps, Words
from usercore.merging.undoing import UndoPlanner
from usercore.merging.values import Merge, MergePolicy, Undoing, UndoPlan
from usercore.users.errors import StaleVersionError, WriteContendedError
from usercore.users.history import living, present
from usercore.users.model import User
from usercore.users.ports import Change, UserReader, UserWriter
from usercore.users.stepping import TRIES


@frozen
class UndoMergeCommand:
    """Take a merge back.

    Args:
        survivor: the account that stayed.
        merge_id: which merge.
        reason: why, on one line.
        expected_version: refuse if this is not the survivor's version; None takes any.
    """

    survivor: UserId
    merge_id: EventId
    reason: str = field(default="", repr=False)
    expected_version: int | None = None


@frozen
class PlannedUndo:
    """What undoing a merge would bring about.

    Args:
        plan: for the two accounts.
        facts: how many orders, payments and points would go back.
    """

    plan: UndoPlan
    facts: int


@frozen
class Undoable:
    """Finds merges, and refuses those that cannot be undone."""

    users: UserReader
    merges: MergeReader
    policy: MergePolicy
    clock: Clock

    async def find(self, command: UndoMergeCommand) -> Merge:
        """Return the merge, undone or not.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            MergeNotFoundError: the user is not the survivor of such a merge.
        """
        await living(self.users, command.survivor)
        merge = await self.merges.get(command.merge_id)
        if merge is None or merge.survivor != command.survivor:
            raise MergeNotFoundError
        return merge

    async def parties(self, merge: Merge, command: UndoMergeCommand, context: CommandContext) -> tuple[User, User]:
        """Return survivor and merged of a merge that was not undone yet.

        Raises:
            UserMergedError: the survivor was merged itself since; undo that first.
            MergeTermOverError: it is too late.
            UserRestrictedError: the data of one of them is restricted, and this is not done by who manages privacy.
            StaleVersionError: the survivor is not at the expected version.
        """
        survivor = await present(self.users, merge.survivor)
        merged = await living(self.users, merge.merged)
        if self.clock.now() > merge.at + self.policy.undo_within:
            raise MergeTermOverError
        if not context.for_privacy:
            survivor.require_unrestricted()
            merged.require_unrestricted()
        survivor.require_version(command.expected_version)
        return survivor, merged


@frozen
class PreviewUndo:
    """Says what undoing a merge would bring about, and what not. Nothing is changed."""

    undoable: Undoable
    plan: UndoPlanner

    async def __call__(self, command: UndoMergeCommand, context: CommandContext) -> PlannedUndo:
        """Return the plan. The reason is not looked at.

        Raises:
            UserNotFoundError, UserErasedError, MergeNotFoundError: there is no such merge.
            MergeTermOverError: it is too late, or it was undone.
            UserMergedError: the survivor was merged itself since.
            UserRestrictedError, UserHeldError, MergeRequestOpenError: the law forbids to touch one of them now.
            StaleVersionError: the survivor is not at the expected version.
        """
        merge = await self.undoable.find(command)
        if merge.undone is not None:
            raise MergeTermOverError("the merge was undone already")
        survivor, merged = await self.undoable.parties(merge, command, context)
        obstacle = await self.undoable.merges.obstacle(survivor.id, merged.id)
        if obstacle is not None:
            raise obstacle
        plan = await self.plan(merge, survivor, merged)
        return PlannedUndo(plan, await self.undoable.merges.facts_told_of(merged.id, survivor.id))


@frozen
class UndoMerge:
    """Takes merges back, in one transaction for both accounts. Doing it twice is doing it once."""

    undoable: Undoable
    plan: UndoPlanner
    writer: UserWriter
    ledger: IdempotencyLedger
    ids: IdGenerator

    async def __call__(self, command: UndoMergeCommand, context: CommandContext) -> DoneMerge:
        """Return the merge, with how it was undone, and the survivor.

        Raises:
            ReasonInvalidError: nobody says why.
            UserNotFoundError, UserErasedError, MergeNotFoundError: there is no such merge.
            MergeTermOverError: it is too late.
            UserMergedError: the survivor was merged itself since.
            UserRestrictedError, UserHeldError, MergeRequestOpenError: the law forbids to touch one of them now.
            EmailTakenError, UsernameTakenError, ExternalIdTakenError: the survivor gave up a name that was the merged
                account's, and somebody else has it now.
            StaleVersionError: the survivor is not at the expected version.
            WriteContendedError: other writers were quicker again and again.
        """
        reason = require_reason(command.reason)
        for _ in range(TRIES):
            merge = await self.undoable.find(command)
            if merge.undone is not None:
                return await self._done_before(merge, context)
            survivor, merged = await self.undoable.parties(merge, command, context)
            change, ended = self._change(await self.plan(merge, survivor, merged), reason, context)
            [refusal] = await self.writer.commit([change])
            if refusal is None:
                return DoneMerge(ended, change.user)
            if not isinstance(refusal, StaleVersionError):
                raise refusal
        raise WriteContendedError

    async def _done_before(self, merge: Merge, context: CommandContext) -> DoneMerge:
        survivor = await living(self.undoable.users, merge.survivor)
        if context.claim is not None:
            await self.ledger.settle(context.claim, Settled(survivor.id, survivor.version))
        return DoneMerge(merge, survivor)

    def _change(self, plan: UndoPlan, reason: str, context: CommandContext) -> tuple[Change, Merge]:
        """Return the survivor's last step, along with all others of the two."""
        steps = Steps(self.ids, context)
        now = self.undoable.clock.now()
        along = self._of_survivor(plan, steps)
        back = steps.plain(plan.merged.come_back(plan.back, plan.back_verification, plan.status, now=now))
        last = (along[-1].user if along else plan.survivor).let_go(plan.merged.id, now=now)
        ended = evolve(plan.merge, undone=Undoing(last.user.updated_at, context.actor, reason))
        record = UndoRecord(ended, plan.moves_names)
        return steps.closing(self.ids.event_id(), last, record, (*along, back)), ended

    def _of_survivor(self, plan: UndoPlan, steps: Steps) -> list[Change]:
        """Return the survivor's steps that say what goes back for it."""
        now, user = self.undoable.clock.now(), plan.survivor
        made: list[Change] = []
        step = user.take_over(plan.profile, plan.verification, restricted=user.restricted, now=now)
        if step is not None:
            made.append(steps.plain(step))
            user = step.user
        words = Words(
            [(one.now, one.before) for one in plan.preferences],
            [(one.now, one.before) for one in plan.consents],
            plan.proofs,
        )
        return [*made, *steps.words(user, words, UNDONE, now=now, as_asked=True)]
