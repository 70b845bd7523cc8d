"""Tell the services around us what they have not heard yet."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from usercore.delivery.breaker import Breaker, BreakerLimits, BreakerState, breakers
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.ports import (
    AuditService,
    AuthenticationService,
    DeliveryObserver,
    DeliveryQueue,
    NotificationService,
)
from usercore.delivery.values import Delivery, Recipient
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ports import Clock

BATCH: Final = 250
"""Taken at once. What cannot be told within the lease is given back."""
LEASE: Final = timedelta(seconds=60)
CALL_LIMIT: Final = timedelta(seconds=20)
"""The longest that one call may take; no call begins later than this before the end of the lease."""
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)
LONGEST_ASKED: Final = timedelta(hours=1)
"""The longest that a recipient can ask us to wait."""
BUG: Final = "internal_error"


def full_jitter() -> float:
    """Return a number from 0 to 1, all alike."""
    return secrets.SystemRandom().random()


@frozen
class DeliveryPolicy:
    """How hard it is tried.

    Args:
        concurrency: how many calls to one recipient may run at once.
        attempts: a delivery is given up after so many,
        give_up_after: and not before it is that old.
        breaker: when a recipient is left alone.
        jitter: a number from 0 to 1 by which each wait is multiplied, so that deliveries that failed together do not
            come again together. Source: AWS Architecture Blog, "Exponential Backoff And Jitter": full jitter.
        observer: is told of every try.
    """

    concurrency: int = 8
    attempts: int = 20
    give_up_after: timedelta = timedelta(hours=72)
    breaker: BreakerLimits = field(factory=BreakerLimits)
    jitter: Callable[[], float] = full_jitter
    observer: DeliveryObserver | None = None


DEFAULT_POLICY: Final = DeliveryPolicy()


@frozen
class DeliverPending:
    """Delivers what is due. Safe to run in many places: each delivery is leased to one of them.

    Of one user and one recipient one delivery is told at a time, in their order. One that is given up lets those
    behind it go on, because a later one usually says all that the earlier one would have.
    """

    queue: DeliveryQueue
    authentication: AuthenticationService
    notification: NotificationService
    audit: AuditService
    clock: Clock
    policy: DeliveryPolicy = DEFAULT_POLICY
    breakers: Mapping[Recipient, Breaker] = field(init=False, repr=False)

    @breakers.default
    def _breakers(self) -> Mapping[Recipient, Breaker]:
        return breakers(self.policy.breaker)

    async def __call__(self, recipient: Recipient | None = None) -> int:
        """Return how many were taken in hand; call again while it is not 0.

        A recipient that does not answer holds up no other. Nothing is dropped: what is not acknowledged waits, longer
        each time, and at last is kept as given up.

        Args:
            recipient: whom to tell; None for all.

        Raises:
            UnavailableError: the queue does not answer.
        """
        whom = tuple(Recipient) if recipient is None else (recipient,)
        rounds = await asyncio.gather(*map(self._round, whom), return_exceptions=True)
        for one in rounds:
            if isinstance(one, BaseException):
                raise one
        return sum(one for one in rounds if isinstance(one, int))

    async def _round(self, recipient: Recipient) -> int:
        now, breaker = self.clock.now(), self.breakers[recipient]
        limit = breaker.allowance(now, BATCH)
        due: Sequence[Delivery] = ()
        if limit:
            due = await self.queue.claim(recipient=recipient, now=now, lease_until=now + LEASE, limit=limit)
        if due:
            await _Round(self, breaker, self._teller(recipient), now + LEASE - CALL_LIMIT).run(due)
        if self.policy.observer is not None:
            self.policy.observer.delivery_breaker(recipient.value, breaker.state(self.clock.now()).value)
        return len(due)

    def _teller(self, recipient: Recipient) -> Callable[[Delivery], Awaitable[None]]:
        match recipient:
            case Recipient.AUTHENTICATION:
                return self.authentication.credential
            case Recipient.NOTIFICATION:
                return self.notification.notify
            case Recipient.AUDIT:
                return self.audit.record


@define(eq=False)
class _Round:
    """Deliveries to one recipient that were taken together; they belong to different users.

    Args:
        engine: whose round it is.
        breaker: of the recipient.
        tell: the recipient's port.
        until: no call begins later.
    """

    engine: DeliverPending
    breaker: Breaker
    tell: Callable[[Delivery], Awaitable[None]]
    until: datetime
    heard: list[Delivery] = field(factory=list, init=False)
    left: list[Delivery] = field(factory=list, init=False)
    bug: Exception | None = field(default=None, init=False)

    async def run(self, due: Sequence[Delivery]) -> None:
        rest = iter(due)
        workers = (self._work(rest) for _ in range(min(self.engine.policy.concurrency, len(due))))
        ends: Sequence[object] = ()
        try:
            ends = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            # Also where this is cancelled: what was heard need not be told again.
            await self._settle()
        for failure in (*ends, self.bug):
            if isinstance(failure, BaseException):
                raise failure

    async def _work(self, rest: Iterator[Delivery]) -> None:
        for delivery in rest:
            now = self.engine.clock.now()
            if now > self.until or self.breaker.state(now) is BreakerState.OPEN:
                self.left.append(delivery)
            else:
                await self._try(delivery)

    async def _settle(self) -> None:
        queue, now = self.engine.queue, self.engine.clock.now()
        if self.heard:
            await queue.acknowledge(self.heard, now=now)
        if self.left:
            await queue.release(self.left, due_at=self.breaker.reopens_at(now))

    async def _try(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(CALL_LIMIT.total_seconds()):
                await self.tell(delivery)
        except RecipientRefusedError as error:
            self.breaker.answered()
            await self._give_up(delivery, error.cause, "refused")
        except RecipientUnavailableError as error:
            wait = None if error.wait_s is None else min(timedelta(seconds=error.wait_s), LONGEST_ASKED)
            await self._failed(delivery, error.cause, wait, alive=error.alive)
        except UserCoreError as error:
            await self._failed(delivery, error.code)
        except TimeoutError:
            await self._failed(delivery, "timeout")
        except Exception as error:  # noqa: BLE001 -- raised when all others of the round have found their end
            self.bug = error
            await self._failed(delivery, BUG)
        else:
            self.breaker.answered()
            self.heard.append(delivery)
            self._note(delivery, "delivered")

    async def _failed(
        self, delivery: Delivery, code: str, wait: timedelta | None = None, *, alive: bool = False
    ) -> None:
        now, policy = self.engine.clock.now(), self.engine.policy
        if alive:
            self.breaker.answered()
        else:
            self.breaker.failed(now, wait)
        if delivery.attempts + 1 >= policy.attempts and now - delivery.created_at >= policy.give_up_after:
            await self._give_up(delivery, code, "given_up")
            return
        # The exponent is bounded, or the number would grow without end.
        longest = min(FIRST_WAIT * 2 ** min(delivery.attempts, 16), LONGEST_WAIT)
        pause = max(longest * policy.jitter(), wait or timedelta())
        self._note(delivery, "postponed")
        await self.engine.queue.postpone(delivery, due_at=now + pause, code=code)

    async def _give_up(self, delivery: Delivery, code: str, outcome: str) -> None:
        self._note(delivery, outcome)
        await self.engine.queue.fail(delivery, now=self.engine.clock.now(), code=code)

    def _note(self, delivery: Delivery, outcome: str) -> None:
        if self.engine.policy.observer is not None:
            self.engine.policy.observer.delivery_attempted(delivery.recipient.value, outcome)
