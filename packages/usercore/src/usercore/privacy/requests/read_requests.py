"""Look at privacy requests, and fetch archives."""

from attrs import frozen

from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.kernel.ports import Clock
from usercore.privacy.requests.errors import ArchiveGoneError, RequestNotFoundError
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.ports import Archives, PrivacyRequests, RequestFilter
from usercore.users.history import living
from usercore.users.ports import UserReader


@frozen
class GetPrivacyRequest:
    """Reads one request."""

    requests: PrivacyRequests
    users: UserReader

    async def __call__(self, request_id: RequestId) -> PrivacyRequest:
        """Return a request, whoever's it is.

        Raises:
            RequestNotFoundError: there is none.
        """
        found = await self.requests.get(request_id)
        if found is None:
            raise RequestNotFoundError
        return found

    async def of_user(self, user_id: UserId, request_id: RequestId) -> PrivacyRequest:
        """Return a request about one user.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            RequestNotFoundError: there is no such request about them.
        """
        await living(self.users, user_id)
        found = await self.requests.get(request_id)
        if found is None or found.user_id != user_id:
            raise RequestNotFoundError
        return found


@frozen
class ListPrivacyRequests:
    """Lists requests, the newest first."""

    requests: PrivacyRequests
    users: UserReader

    async def __call__(self, wanted: RequestFilter, *, after: RequestId | None, limit: int) -> Page[PrivacyRequest]:
        """Return a page of requests about anybody."""
        return await self.requests.page(wanted, after=after, limit=limit)

    async def of_user(self, user_id: UserId, *, after: RequestId | None, limit: int) -> Page[PrivacyRequest]:
        """Return a page of requests about one user.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
        """
        await living(self.users, user_id)
        return await self.requests.page(RequestFilter(user_id), after=after, limit=limit)


@frozen
class FetchArchive:
    """Gives out the archive of an access or portability request until it expires."""

    read: GetPrivacyRequest
    archives: Archives
    clock: Clock

    async def __call__(self, user_id: UserId, request_id: RequestId) -> bytes:
        """Return the archive as a ZIP file.

        Raises:
            UserNotFoundError, UserErasedError, RequestNotFoundError: there is no such request about the user.
            ArchiveGoneError: it has no archive, or not any more.
        """
        request = await self.read.of_user(user_id, request_id)
        content = await self.archives.get(request.id, user_id, now=self.clock.now())
        if content is None:
            raise ArchiveGoneError
        return content
