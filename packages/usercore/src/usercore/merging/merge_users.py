"""Merge an account into another, and say before what would come of it."""

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.kernel.reasons import require_reason
from usercore.kernel.receipts import IdempotencyLedger, Settled
from usercore.merging.events import MergeRecord
from usercore.merging.planning import Planner
from usercore.merging.ports import MergeReader
from usercore.merging.steps import SOURCE, Steps, Words
from usercore.merging.values import Merge, MergePlan
from usercore.users.errors import StaleVersionError, WriteContendedError
from usercore.users.history import living, present
from usercore.users.model import User
from usercore.users.ports import Change, UserReader, UserWriter
from usercore.users.stepping import TRIES
from usercore.users.values import AccountState


@frozen
class MergeUsersCommand:
    """Merge one account into another.

    Args:
        survivor: the account that stays.
        merged: the one that goes into it.
        take: domain names of fields that the survivor takes from the other, even where it has its own.
        reason: why, on one line.
        expected_version: refuse if this is not the survivor's version; None takes any.
    """

    survivor: UserId
    merged: UserId
    take: frozenset[str] = frozenset()
    reason: str = field(default="", repr=False)
    expected_version: int | None = None


@frozen
class PlannedMerge:
    """What a merge would bring about.

    Args:
        plan: for the two accounts.
        facts: how many orders, payments and points would move to the survivor.
    """

    plan: MergePlan
    facts: int


@frozen
class DoneMerge:
    """A merge, and the survivor after it."""

    merge: Merge
    user: User


@frozen
class Parties:
    """Loads the two accounts of a merge, and refuses those that cannot be merged."""

    users: UserReader

    async def __call__(self, command: MergeUsersCommand, context: CommandContext) -> tuple[User, User]:
        """Return survivor and merged.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            UserMergedError: one of them was merged before.
            UserDeactivatedError: the survivor is deactivated.
            UserRestrictedError: the data of one of them is restricted, and this is not done by who manages privacy.
            StaleVersionError: the survivor is not at the expected version.
        """
        survivor = await present(self.users, command.survivor)
        merged = await present(self.users, command.merged)
        survivor.require_active()
        if not context.for_privacy:
            survivor.require_unrestricted()
            merged.require_unrestricted()
        survivor.require_version(command.expected_version)
        return survivor, merged


@frozen
class PreviewMerge:
    """Says what a merge would bring about, and refuses what it would refuse. Nothing is changed."""

    parties: Parties
    plan: Planner
    merges: MergeReader

    async def __call__(self, command: MergeUsersCommand, context: CommandContext) -> PlannedMerge:
        """Return the plan. The reason is not looked at.

        Raises:
            MergeInvalidError, ProfileInvalidError: the two do not go together so.
            UserNotFoundError, UserErasedError, UserMergedError, UserDeactivatedError, UserRestrictedError: one of the
                accounts cannot be merged.
            UserHeldError, MergeRequestOpenError: the law forbids to touch one of them now.
            StaleVersionError: the survivor is not at the expected version.
        """
        survivor, merged = await self.parties(command, context)
        plan = await self.plan(survivor, merged, command.take)
        obstacle = await self.merges.obstacle(survivor.id, merged.id)
        if obstacle is not None:
            raise obstacle
        return PlannedMerge(plan, await self.merges.facts(merged.id))


@frozen
class MergeUsers:
    """Merges accounts, in one transaction for both. Doing it twice is doing it once."""

    parties: Parties
    plan: Planner
    merges: MergeReader
    writer: UserWriter
    ledger: IdempotencyLedger
    ids: IdGenerator
    clock: Clock

    async def __call__(self, command: MergeUsersCommand, context: CommandContext) -> DoneMerge:
        """Return the merge and the survivor.

        Raises:
            ReasonInvalidError: nobody says why.
            MergeInvalidError, ProfileInvalidError: the two do not go together so.
            UserNotFoundError, UserErasedError, UserMergedError, UserDeactivatedError, UserRestrictedError: one of the
                accounts cannot be merged.
            UserHeldError, MergeRequestOpenError: the law forbids to touch one of them now.
            StaleVersionError: the survivor is not at the expected version.
            WriteContendedError: other writers were quicker again and again.
        """
        reason = require_reason(command.reason)
        for _ in range(TRIES):
            done = await self._done_before(command, context)
            if done is not None:
                return done
            survivor, merged = await self.parties(command, context)
            plan = await self.plan(survivor, merged, command.take)
            change, merge = self._change(plan, reason, context)
            [refusal] = await self.writer.commit([change])
            if refusal is None:
                return DoneMerge(merge, change.user)
            if not isinstance(refusal, StaleVersionError):
                raise refusal
        raise WriteContendedError

    async def _done_before(self, command: MergeUsersCommand, context: CommandContext) -> DoneMerge | None:
        """Return the merge that there is already."""
        merged = await living(self.parties.users, command.merged)
        status = merged.status
        if status.state is not AccountState.MERGED or status.merged_into != command.survivor:
            return None
        merge = await self.merges.current(merged.id)
        survivor = await present(self.parties.users, command.survivor)
        if merge is None:
            return None
        if context.claim is not None:
            await self.ledger.settle(context.claim, Settled(survivor.id, merge.survivor_version))
        return DoneMerge(merge, survivor)

    def _change(self, plan: MergePlan, reason: str, context: CommandContext) -> tuple[Change, Merge]:
        """Return the survivor's last step, along with all others of the two."""
        steps = Steps(self.ids, context)
        now = self.clock.now()
        along = self._of_survivor(plan, steps)
        ended = steps.plain(plan.merged.merge_into(plan.survivor.id, plan.left, now=now, actor=context.actor))
        last = (along[-1].user if along else plan.survivor).absorb(plan.merged.id, now=now)
        event_id = self.ids.event_id()
        merge = Merge(
            id=event_id,
            survivor=plan.survivor.id,
            merged=plan.merged.id,
            survivor_before=plan.survivor.version,
            survivor_version=last.user.version,
            merged_version=ended.user.version,
            at=last.user.updated_at,
            by=context.actor,
            reason=reason,
        )
        return steps.closing(event_id, last, MergeRecord(merge, plan.moves_names), (*along, ended)), merge

    def _of_survivor(self, plan: MergePlan, steps: Steps) -> list[Change]:
        """Return the survivor's steps that say what changes for it: profile, preferences, consents."""
        now, user = self.clock.now(), plan.survivor
        made: list[Change] = []
        if (step := user.take_over(plan.profile, plan.verification, restricted=plan.restricted, now=now)) is not None:
            made.append(steps.plain(step))
            user = step.user
        words = Words(
            [(one.before, one.said) for one in plan.unsubscribed], [(one.before, one.said) for one in plan.withdrawn]
        )
        return [*made, *steps.words(user, words, SOURCE, now=now)]
