"""Commands: one effect each, refusals answered, equal keys in order, different keys side by side."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from user_stream.burying import Burying, baffled
from user_stream.following import following
from user_stream.outcomes import End, Outcome, outcome_of
from user_stream.problems import problem_of
from user_stream.rejecting import Rejecting
from user_stream.retrying import BaffledError, Retrying
from user_stream.tracing import END, Following
from user_stream.work import Fault, Work, together
from usercore.codec.messages import Request
from usercore.kernel.errors import UserCoreError
from usercore.kernel.inbox import MessageId, Receipt
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import fold_ascii
from usercore.wiring.core import Core

__all__ = ["RunCommands"]

_REUSED: Final = Fault("message_id_reused", "the id belongs to another message of the same source")


@frozen
class _Order:
    """A command on its way: what it asks for, or why that cannot be made out."""

    work: Work
    request: Request | Exception = field(repr=False)


@frozen
class RunCommands:
    """Carries out the commands of a batch.

    The inbox is asked once for the whole batch, so that repetitions cost nothing; the receipt that each change
    writes is what makes sure.

    Args:
        core: the use cases.
        retrying: tries again.
        rejecting: answers what is refused.
        burying: makes dead letters.
        news: set when users may have become known whom facts wait for.
        hashing: as many permits as passwords may wait to be hashed.
        following: goes on with the commands' traces.
    """

    core: Core
    retrying: Retrying
    rejecting: Rejecting
    burying: Burying
    news: asyncio.Event
    hashing: asyncio.Semaphore
    following: Following = field(factory=Following)

    async def __call__(self, works: Sequence[Work]) -> Sequence[End]:
        """Bring every command to its end, and return the ends in order.

        Raises:
            GivenUpError: a part stays away; some may have had their effect.
        """
        ids = [work.message.receipt.message for work in works]
        known = dict(await self.retrying(lambda: self.core.ports.inbox.known(ids)))
        lanes: defaultdict[Hashable, list[tuple[int, _Order]]] = defaultdict(list)
        ends: dict[int, End] = {}
        for place, work in enumerate(works):
            first = known.setdefault(work.message.receipt.message, work.message.receipt)
            if first is not work.message.receipt:
                ends[place] = await self._again(work, first)
                continue
            order = _Order(work, _request_of(work))
            lanes[_lane(order)].append((place, order))
        await together(self._in_order(lane, ends) for lane in lanes.values())
        return [ends[place] for place in range(len(works))]

    async def _in_order(self, lane: Sequence[tuple[int, _Order]], ends: dict[int, End]) -> None:
        for place, order in lane:
            ends[place] = await self._one(order)

    async def _again(self, work: Work, first: Receipt) -> End:
        """End a message whose id has been seen: a repetition, or another message under the same id."""
        if first.fingerprint == work.message.receipt.fingerprint:
            return End.REPEATED
        await self.burying(work.raw, _REUSED)
        return End.BURIED

    async def _one(self, order: _Order) -> End:
        with self.following(order.work) as span:
            try:
                end = await self._attempt(order)
            except BaffledError as error:
                await self.burying(order.work.raw, baffled(error))
                end = End.BURIED
            span.note(END, end.value)
        return end

    async def _attempt(self, order: _Order) -> End:
        try:
            await self.retrying(lambda: self._run(order))
        except UserCoreError as error:
            if outcome_of(error) is Outcome.SKIP:
                return await self._applied_elsewhere(order.work)
            return await self._reject(order.work, problem_of(error))
        return End.APPLIED

    async def _run(self, order: _Order) -> None:
        context = order.work.message.context
        match order.request:
            case CreateUserCommand() as command:
                async with self.hashing:
                    await self.core.create_user(command, context)
                self.news.set()
            case UpdateUserCommand() as change:
                await following(change.user_id, lambda one: self.core.update_user(evolve(change, user_id=one), context))
            case DeactivateUserCommand() as end:
                await following(end.user_id, lambda one: self.core.deactivate_user(evolve(end, user_id=one), context))
            case Exception() as error:
                raise error
            case _:
                raise TypeError("no command")

    async def _applied_elsewhere(self, work: Work) -> End:
        """End a command that another process was quicker to apply, during a rebalance."""
        message = work.message.receipt.message
        known: Mapping[MessageId, Receipt] = await self.retrying(lambda: self.core.ports.inbox.known([message]))
        return await self._again(work, known.get(message, work.message.receipt))

    async def _reject(self, work: Work, problem: Mapping[str, object]) -> End:
        await self.retrying(lambda: self.rejecting(work, problem))
        return End.REJECTED


def _request_of(work: Work) -> Request | Exception:
    try:
        return work.message.read()
    except Exception as error:  # noqa: BLE001 -- raised again where one message's failure is judged
        return error


def _lane(order: _Order) -> Hashable:
    """Return what orders commands among each other: the user, or the address of a new one."""
    if isinstance(order.request, CreateUserCommand):
        email = order.request.profile.email
        return ("email", fold_ascii(email.strip()) if isinstance(email, str) else order.work.raw.key)
    if order.work.message.user_id is not None:
        return ("user", order.work.message.user_id)
    return ("key", order.work.raw.key)
