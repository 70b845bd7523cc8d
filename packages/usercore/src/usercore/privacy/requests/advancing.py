"""Go on with requests: what the service can do by itself, without anybody who asks for it."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.erasing import HELD_LOOK_AGAIN, EraseUser
from usercore.privacy.requests.errors import RequestChangedError, RequestClosedError, UserHeldError
from usercore.privacy.requests.fulfilling import FulfilRequest
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.scheduling import is_automatic
from usercore.privacy.requests.values import RequestKind, RequestState

BATCH: Final = 20
LEASE: Final = timedelta(minutes=2)
TRY_AGAIN: Final = timedelta(seconds=30)
TRIES: Final = 5
TROUBLE_LOOK_AGAIN: Final = timedelta(minutes=5)


@frozen
class AdvanceRequests:
    """Goes on with requests. Safe to run in many places: each is leased to one of them."""

    notes: Notes
    fulfil: FulfilRequest
    erase: EraseUser
    clock: Clock
    ids: IdGenerator

    async def __call__(self) -> int:
        """Return how many were taken in hand; call again while it is not 0.

        Raises:
            UnavailableError: the database does not answer.
        """
        now = self.clock.now()
        due = await self.notes.requests.claim(now=now, lease_until=now + LEASE, limit=BATCH)
        for request in due:
            await self._attempt(request)
        return len(due)

    async def one(self, request_id: RequestId, context: CommandContext) -> PrivacyRequest:
        """Go on with one request now, as an operator wishes, and return it.

        Where somebody else takes it a step further meanwhile, it goes on from there.

        Raises:
            RequestNotFoundError, RequestClosedError, IdentityNeededError, RequestChangedError: it cannot be done.
            UserHeldError: a hold keeps the data.
            UserCoreError: what keeps it from being done.
        """
        for _ in range(TRIES):
            request = await self.notes.request(request_id)
            if request.state is RequestState.COMPLETED:
                return request
            if not request.is_open:
                raise RequestClosedError
            with suppress(RequestChangedError):
                return await self._go_on(request, evolve(context, privacy_request=request.id))
        raise RequestChangedError

    async def _attempt(self, request: PrivacyRequest) -> None:
        context = CommandContext(SYSTEM, correlation_id=request.id, privacy_request=request.id)
        try:
            await self._go_on(request, context)
        except RequestChangedError:
            return
        except UserHeldError:
            await self.notes.requests.run_at(request.id, self.clock.now() + HELD_LOOK_AGAIN)
        except (UnavailableError, ExhaustedError):
            await self.notes.requests.run_at(request.id, self.clock.now() + TRY_AGAIN)
        except UserCoreError as error:
            await self._set_aside(request, error, context)

    async def _go_on(self, request: PrivacyRequest, context: CommandContext) -> PrivacyRequest:
        if request.kind is RequestKind.ERASURE:
            return await self.erase(request, context)
        if not is_automatic(request):
            return request
        if request.state is not RequestState.IN_PROGRESS or request.trouble is not None:
            begun = request.begin(now=self.clock.now())
            run_at = self.clock.now() + LEASE
            request = await self.notes.save(begun, "PrivacyRequestBegun", context, run_at=run_at)
        return await self.fulfil(request, context)

    async def _set_aside(self, request: PrivacyRequest, error: UserCoreError, context: CommandContext) -> None:
        """Leave a request to an operator, who sees what was in the way; an erasure that has begun is tried again."""
        current = await self.notes.requests.get(request.id)
        if current is None or not current.is_open:
            return
        again = self.clock.now() + TROUBLE_LOOK_AGAIN if current.is_final else None
        if current.trouble != error.code:
            troubled = current.troubled(error.code, now=self.clock.now())
            await self.notes.save(troubled, "PrivacyRequestTroubled", context, run_at=again)
        elif again is not None:
            await self.notes.requests.run_at(current.id, again)
