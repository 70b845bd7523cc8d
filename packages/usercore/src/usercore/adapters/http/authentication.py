"""The AuthenticationService over HTTP: docs/contracts/authentication-service.yaml."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from attrs import frozen

from usercore.adapters.http.client import ServiceClient
from usercore.codec.scalars import timestamp
from usercore.delivery.credentials import CredentialDirectory, CredentialState
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.ports import AuthenticationService
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page

ABSENT: Final = (404, 410)
"""There is no such credential, which is what was to be achieved."""


@frozen
class HttpAuthenticationService:
    """Tells the AuthenticationService, and asks it what it knows."""

    client: ServiceClient

    async def credential(self, delivery: Delivery) -> None:
        """Do what the delivery asks; the same delivery again has no further effect.

        Raises:
            RecipientUnavailableError: try again later.
            RecipientRefusedError: never try again.
        """
        path = f"v1/credentials/{quote(delivery.user_id, safe='')}"
        at = {"occurredAt": timestamp(delivery.created_at)}
        tell = self.client.tell
        match delivery.operation:
            case Operation.PROVISION_CREDENTIAL:
                await tell("PUT", path, delivery, {**delivery.payload, **_hash(delivery), **at})
            case Operation.CHANGE_LOGIN:
                await tell("PUT", f"{path}/login", delivery, {**delivery.payload, **at})
            case Operation.DISABLE_CREDENTIAL:
                body = {"enabled": False, "endSessions": True, **at}
                await tell("PUT", f"{path}/state", delivery, body, accept=ABSENT)
            case Operation.ENABLE_CREDENTIAL:
                await tell("PUT", f"{path}/state", delivery, {"enabled": True, "endSessions": False, **at})
            case Operation.REMOVE_CREDENTIAL:
                await tell("DELETE", path, delivery, accept=ABSENT)
            case _:
                raise RecipientRefusedError(cause="operation_unknown")

    async def states(self, ids: Sequence[UserId]) -> Mapping[UserId, CredentialState]:
        """Return the credentials of users; a user who has none is missing."""
        if not ids:
            return {}
        answer = await self.client.ask("POST", "v1/credentials/lookup", body={"userIds": list(ids)})
        return {one.user_id: one for one in _states(answer.body)}

    async def page(self, *, after: str | None, limit: int) -> Page[CredentialState]:
        """Return a page of all credentials, in an order of the service's own."""
        query = {"limit": str(limit)} if after is None else {"limit": str(limit), "cursor": after}
        answer = await self.client.ask("GET", "v1/credentials", query=query)
        states = _states(answer.body)
        cursor = answer.body.get("nextCursor")
        return Page(states, cursor if isinstance(cursor, str) else None)


def _hash(delivery: Delivery) -> Mapping[str, object]:
    return {} if delivery.secret is None else {"passwordHash": delivery.secret.reveal()}


def _states(body: Any) -> tuple[CredentialState, ...]:  # noqa: ANN401 -- whatever the service said
    match body:
        case {"items": [*items]}:
            return tuple(map(_state, items))
    raise RecipientUnavailableError(cause="answer_unreadable")


def _state(item: Any) -> CredentialState:  # noqa: ANN401 -- the same
    match item:
        case {"userId": str(user_id), "email": str(email), "enabled": bool(enabled)}:
            username = item.get("username")
            return CredentialState(UserId(user_id), email, username if isinstance(username, str) else None, enabled)
    raise RecipientUnavailableError(cause="answer_unreadable")


if TYPE_CHECKING:

    def _conforms(client: ServiceClient) -> tuple[AuthenticationService, CredentialDirectory]:
        return HttpAuthenticationService(client), HttpAuthenticationService(client)
