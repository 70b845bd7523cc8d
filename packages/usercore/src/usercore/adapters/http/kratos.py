"""Ory Kratos as the AuthenticationService, by its admin API.

Our user id is the identity's `external_id`, and stands in `metadata_admin` beside the times of what was told last: a
delivery that comes late changes nothing. Kratos keeps no idempotency keys; every step here sets what shall be, so that
doing it twice is doing it once.

Source: Ory Kratos, spec/api.json: createIdentity, listIdentities, getIdentityByExternalID, patchIdentity,
deleteIdentity, deleteIdentitySessions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from attrs import field, frozen

from usercore.adapters.http.client import ServiceClient
from usercore.codec.scalars import timestamp
from usercore.delivery.credentials import CredentialDirectory, CredentialState
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.ports import AuthenticationService
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page

_COLLECTION: Final = "admin/identities"
_ABSENT: Final = 404
_TAKEN: Final = 409
_ACTIVE, _INACTIVE = "active", "inactive"
_LOGIN_AT, _STATE_AT = "loginAt", "stateAt"
LOOKUPS_AT_ONCE: Final = 8


@frozen
class Identity:
    """What Kratos keeps of one of our users.

    Args:
        id: Kratos' own.
        user_id: ours.
        enabled: whether it may sign in.
        traits: what its schema has.
        metadata: ours, as it stands in `metadata_admin`.
    """

    id: str
    user_id: UserId
    enabled: bool
    traits: Mapping[str, Any] = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)

    def knows_later(self, what: str, at: datetime) -> bool:
        """Return whether something later was told of the login or the state."""
        said = self.metadata.get(what)
        return isinstance(said, str) and said > timestamp(at)


@frozen
class KratosAuthenticationService:
    """Keeps credentials in Ory Kratos.

    Args:
        client: of its admin API.
        schema_id: the identity schema, which has the traits `email` and `username`.
    """

    client: ServiceClient
    schema_id: str = "default"

    async def credential(self, delivery: Delivery) -> None:
        """Do what the delivery asks; the same delivery again has no further effect.

        Raises:
            RecipientUnavailableError: try again later.
            RecipientRefusedError: never try again.
        """
        match delivery.operation:
            case Operation.PROVISION_CREDENTIAL:
                await self._provision(delivery)
            case Operation.CHANGE_LOGIN:
                await self._change_login(delivery)
            case Operation.DISABLE_CREDENTIAL:
                await self._set_state(delivery, enabled=False)
            case Operation.ENABLE_CREDENTIAL:
                await self._set_state(delivery, enabled=True)
            case Operation.REMOVE_CREDENTIAL:
                await self._remove(delivery)
            case _:
                raise RecipientRefusedError(cause="operation_unknown")

    async def _provision(self, delivery: Delivery) -> None:
        if await self._find(delivery.user_id) is not None:
            return  # It was told before: what became of it since stays.
        at = timestamp(delivery.created_at)
        body: dict[str, object] = {
            "schema_id": self.schema_id,
            "traits": _traits(delivery),
            "state": _ACTIVE if delivery.payload.get("enabled", True) else _INACTIVE,
            "external_id": delivery.user_id,
            "metadata_admin": {"userId": delivery.user_id, _LOGIN_AT: at, _STATE_AT: at},
        }
        if delivery.secret is not None:
            body["credentials"] = {"password": {"config": {"hashed_password": delivery.secret.reveal()}}}
        answer = await self.client.tell("POST", _COLLECTION, delivery, body, accept=(_TAKEN,))
        if answer.status == _TAKEN and await self._find(delivery.user_id) is None:
            await self._claim(delivery)

    async def _claim(self, delivery: Delivery) -> None:
        """Take the identity that has this login, if it says that it is ours.

        Taking over any other one would let somebody in as our user who chose its password. That one may be about to be
        removed, or its login about to change.
        """
        query = {"credentials_identifier": str(delivery.payload["email"])}
        answer = await self.client.ask("GET", _COLLECTION, query=query)
        for item in answer.body if isinstance(answer.body, list) else ():
            if _user_id(item) == delivery.user_id:
                await self._patch(delivery, _identity(item), {"external_id": delivery.user_id}, _LOGIN_AT)
                return
        raise RecipientUnavailableError(cause="login_taken", alive=True)

    async def _change_login(self, delivery: Delivery) -> None:
        identity = await self._needed(delivery)
        if identity.knows_later(_LOGIN_AT, delivery.created_at):
            return
        await self._patch(delivery, identity, {"traits": {**identity.traits, **_traits(delivery)}}, _LOGIN_AT)

    async def _set_state(self, delivery: Delivery, *, enabled: bool) -> None:
        identity = await self._find(delivery.user_id)
        if identity is None and not enabled:
            return
        if identity is None:
            raise RecipientRefusedError(cause="credential_unknown")
        if not identity.knows_later(_STATE_AT, delivery.created_at):
            await self._patch(delivery, identity, {"state": _ACTIVE if enabled else _INACTIVE}, _STATE_AT)
            if not enabled:
                await self._end_sessions(delivery, identity)

    async def _end_sessions(self, delivery: Delivery, identity: Identity) -> None:
        await self.client.tell("DELETE", f"{_COLLECTION}/{identity.id}/sessions", delivery, accept=(_ABSENT,))

    async def _remove(self, delivery: Delivery) -> None:
        identity = await self._find(delivery.user_id)
        if identity is not None:
            await self._end_sessions(delivery, identity)
            await self.client.tell("DELETE", f"{_COLLECTION}/{identity.id}", delivery, accept=(_ABSENT,))

    async def _patch(self, delivery: Delivery, identity: Identity, values: Mapping[str, object], what: str) -> None:
        """Set fields, and the time at which they were said, in one JSON Patch (RFC 6902)."""
        noted = {**identity.metadata, "userId": delivery.user_id, what: timestamp(delivery.created_at)}
        steps = [{"op": "add", "path": f"/{name}", "value": value} for name, value in values.items()]
        steps.append({"op": "add", "path": "/metadata_admin", "value": noted})
        await self.client.ask("PATCH", f"{_COLLECTION}/{identity.id}", body=steps)

    async def _needed(self, delivery: Delivery) -> Identity:
        identity = await self._find(delivery.user_id)
        if identity is None:
            raise RecipientRefusedError(cause="credential_unknown")
        return identity

    async def _find(self, user_id: UserId) -> Identity | None:
        path = f"{_COLLECTION}/by/external/{quote(user_id, safe='')}"
        answer = await self.client.ask("GET", path, accept=(_ABSENT,))
        return None if answer.status == _ABSENT else _identity(answer.body)

    async def states(self, ids: Sequence[UserId]) -> Mapping[UserId, CredentialState]:
        """Return the credentials of users; a user who has none is missing. Kratos is asked for one at a time."""
        at_once = asyncio.Semaphore(LOOKUPS_AT_ONCE)

        async def find(user_id: UserId) -> Identity | None:
            async with at_once:
                return await self._find(user_id)

        found = await asyncio.gather(*map(find, ids))
        return {one.user_id: _state(one) for one in found if one is not None}

    async def page(self, *, after: str | None, limit: int) -> Page[CredentialState]:
        """Return a page of the identities that are ours, in Kratos' order."""
        query = {"page_size": str(limit)} if after is None else {"page_size": str(limit), "page_token": after}
        answer = await self.client.ask("GET", _COLLECTION, query=query)
        if not isinstance(answer.body, list):
            raise RecipientUnavailableError(cause="answer_unreadable")
        ours = (_identity(item) for item in answer.body if _user_id(item) is not None)
        return Page(tuple(map(_state, ours)), _token(answer.links.get("next")))


def _traits(delivery: Delivery) -> Mapping[str, object]:
    return {name: delivery.payload[name] for name in ("email", "username") if name in delivery.payload}


def _token(url: str | None) -> str | None:
    """Return the token of the next page, of the link in which Kratos gives it."""
    return None if url is None else next(iter(parse_qs(urlsplit(url).query).get("page_token", ())), None)


def _user_id(item: Any) -> str | None:  # noqa: ANN401 -- whatever Kratos said
    match item:
        case {"external_id": str(user_id)} if user_id:
            return user_id
        case {"metadata_admin": {"userId": str(user_id)}}:
            return user_id
    return None


def _identity(item: Any) -> Identity:  # noqa: ANN401 -- the same
    user_id = _user_id(item)
    match item:
        case {"id": str(own), "traits": dict(traits)} if user_id is not None:
            metadata = item.get("metadata_admin")
            return Identity(
                id=own,
                user_id=UserId(user_id),
                enabled=item.get("state", _ACTIVE) == _ACTIVE,
                traits=traits,
                metadata=metadata if isinstance(metadata, dict) else {},
            )
    raise RecipientUnavailableError(cause="answer_unreadable")


def _state(identity: Identity) -> CredentialState:
    email, username = identity.traits.get("email"), identity.traits.get("username")
    return CredentialState(
        identity.user_id,
        email if isinstance(email, str) else "",
        username if isinstance(username, str) else None,
        identity.enabled,
    )


if TYPE_CHECKING:

    def _conforms(client: ServiceClient) -> tuple[AuthenticationService, CredentialDirectory]:
        return KratosAuthenticationService(client), KratosAuthenticationService(client)
