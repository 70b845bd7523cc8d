"""Steps of a request, as they are committed."""

from datetime import datetime

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.ports import IdGenerator
from usercore.privacy.requests.errors import RequestNotFoundError
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.ports import Letter, Noted, PrivacyRequests, Word
from usercore.users.ports import UserReader
from usercore.users.values import AccountState


@frozen
class Notes:
    """Commits steps of requests, each with its audit entry, and with a letter where there is somebody to write to."""

    requests: PrivacyRequests
    users: UserReader
    ids: IdGenerator

    async def request(self, request_id: RequestId) -> PrivacyRequest:
        """Return a request.

        Raises:
            RequestNotFoundError: there is none.
        """
        found = await self.requests.get(request_id)
        if found is None:
            raise RequestNotFoundError
        return found

    async def save(
        self,
        request: PrivacyRequest,
        action: str,
        context: CommandContext,
        *,
        run_at: datetime | None = None,
        word: Word | None = None,
        unless_held: bool = False,
    ) -> PrivacyRequest:
        """Keep a request's next state, and return it.

        Raises:
            RequestChangedError: somebody else was quicker.
            UserHeldError: a hold keeps the data, and it was to be looked at.
        """
        noted = await self.noted(request, action, context, run_at=run_at, word=word)
        await self.requests.save(noted, unless_held=unless_held)
        return request

    async def noted(
        self,
        request: PrivacyRequest,
        action: str,
        context: CommandContext,
        *,
        run_at: datetime | None = None,
        word: Word | None = None,
    ) -> Noted:
        """Return a step with its letter."""
        letter = None if word is None else await self._letter(request, word)
        return Noted(request, self.ids.event_id(), action, context, run_at, letter)

    async def _letter(self, request: PrivacyRequest, word: Word) -> Letter | None:
        user = (await self.users.get_many([request.user_id])).get(request.user_id)
        if user is None or user.status.state is AccountState.ERASED:
            return None
        profile = user.profile
        return Letter(word, profile.email.address, profile.first_name, profile.locale)
