"""What operators decide about requests, and what people take back. Doing it twice is doing it once."""

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ports import Clock
from usercore.privacy.requests.errors import RequestStateError
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.ports import Word
from usercore.privacy.requests.scheduling import first_run, is_automatic
from usercore.privacy.requests.texts import text
from usercore.privacy.requests.values import IdentityCheck, IdentityMethod, Refusal, RefusalGround, RequestKind


@frozen
class VerifyRequester:
    """Notes how an operator found that the person who asks is the one whose data it is."""

    notes: Notes
    policy: RequestPolicy
    clock: Clock

    async def __call__(self, request_id: RequestId, note: str, context: CommandContext) -> PrivacyRequest:
        """Return the request, accepted.

        Raises:
            RequestNotFoundError, RequestClosedError, RequestChangedError: it cannot be done.
            RequestInvalidError: the note breaks its rule.
        """
        now = self.clock.now()
        request = await self.notes.request(request_id)
        check = IdentityCheck(IdentityMethod.CHECKED_BY_OPERATOR, now, context.actor, text("note", note))
        after = request.identify(check)
        if after is None:
            return request
        run_at = first_run(after, self.policy, now)
        return await self.notes.save(after, "PrivacyRequestIdentified", context, run_at=run_at)


@frozen
class ExtendRequest:
    """Puts a deadline off; the person is written why."""

    notes: Notes
    policy: RequestPolicy
    clock: Clock

    async def __call__(self, request_id: RequestId, reason: str, context: CommandContext) -> PrivacyRequest:
        """Return the request with its later deadline.

        Raises:
            RequestNotFoundError, RequestClosedError, RequestChangedError: it cannot be done.
            ExtensionError: there is no more time to be had.
            RequestInvalidError: the reason breaks its rule.
        """
        now = self.clock.now()
        request = await self.notes.request(request_id)
        after = request.extend(text("reason", reason), now=now, zone=self.policy.zone)
        if after is None:
            return request
        run_at = now if is_running(after) else None
        return await self.notes.save(after, "PrivacyRequestExtended", context, run_at=run_at, word=Word.EXTENDED)


@frozen
class RefuseRequest:
    """Answers that nothing is done; the person is written why, and by what law."""

    notes: Notes
    clock: Clock

    async def __call__(
        self, request_id: RequestId, ground: RefusalGround, words: str, context: CommandContext
    ) -> PrivacyRequest:
        """Return the request, refused.

        Raises:
            RequestNotFoundError, RequestClosedError, ErasureUnderWayError, RequestChangedError: it cannot be done.
            RequestInvalidError: the text breaks its rule, or the ground is none for what is asked.
        """
        request = await self.notes.request(request_id)
        after = request.refuse(Refusal(ground, text("text", words)), now=self.clock.now())
        if after is None:
            return request
        return await self.notes.save(after, "PrivacyRequestRefused", context, word=Word.REFUSED)


@frozen
class CompleteRequest:
    """Answers what an operator has done about a request, and writes it to the person."""

    notes: Notes
    clock: Clock

    async def __call__(self, request_id: RequestId, outcome: str, context: CommandContext) -> PrivacyRequest:
        """Return the request, completed.

        Raises:
            RequestNotFoundError, RequestClosedError, IdentityNeededError, RequestChangedError: it cannot be done.
            RequestStateError: it is an erasure, which the service does and proves by itself.
            RequestInvalidError: the text breaks its rule.
        """
        request = await self.notes.request(request_id)
        if request.kind is RequestKind.ERASURE:
            raise RequestStateError("an erasure is done by the service, which waits for the receipts")
        after = request.complete(text("outcome", outcome), now=self.clock.now())
        if after is None:
            return request
        return await self.notes.save(after, "PrivacyRequestCompleted", context, word=Word.COMPLETED)


@frozen
class CancelRequest:
    """Takes a request back, as the person wishes."""

    notes: Notes
    clock: Clock

    async def __call__(self, request_id: RequestId, context: CommandContext) -> PrivacyRequest:
        """Return the request, cancelled.

        Raises:
            RequestNotFoundError, RequestClosedError, ErasureUnderWayError, RequestChangedError: it cannot be done.
        """
        request = await self.notes.request(request_id)
        after = request.cancel(now=self.clock.now())
        if after is None:
            return request
        return await self.notes.save(after, "PrivacyRequestCancelled", context)


def is_running(request: PrivacyRequest) -> bool:
    """Return whether the service goes on with a request by itself."""
    return (request.identity is not None or request.kind is RequestKind.OPT_OUT_OF_SALE) and is_automatic(request)
