"""The life of one user, from the first mail to the last receipt."""

from typing import Any, Final

from attrs import frozen

from tests.e2e.harness.canaries import profile
from tests.e2e.harness.copies import World
from tests.e2e.harness.neighbours import waiting
from tests.e2e.harness.rows import rows
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client

PERSON: Final = {name: value for name, value in profile().items() if name != "attributes"}
"""Whose every word is a canary; attributes would need a schema."""


@frozen
class Life:
    """One user of a deployment.

    Args:
        client: with every scope.
        world: where the user is kept.
        user_id: who.
    """

    client: Client
    world: World
    user_id: str

    @classmethod
    async def begun(cls, client: Client, world: World) -> "Life":
        """Create the user."""
        answer = await client.post("/v1/users", PERSON)
        assert answer.status == 201, answer.body
        return cls(client, world, answer.json()["id"])

    async def verify(self, token: str) -> None:
        """Follow the link of a mail; whoever does needs no token of their own."""
        async with Client(self.client.port, None) as stranger:
            answer = await stranger.post("/v1/verifications/confirm", {"token": token})
        assert answer.status == 200, answer.body

    async def deactivate(self) -> None:
        """Lock the account."""
        await self._post("deactivate", {"reason": "INACTIVITY"})

    async def reactivate(self) -> None:
        """Unlock it."""
        await self._post("reactivate", {"reason": "asked to come back"})

    async def ask_to_be_erased(self) -> str:
        """Ask for erasure, and return the request's id."""
        asked = {"kind": "ERASURE", "text": PERSON["firstName"], "identityNote": PERSON["lastName"]}
        found: str = (await self._post("privacy-requests", asked))["id"]
        return found

    async def profile(self) -> dict[str, Any]:
        """Return the user as the service shows them."""
        found: dict[str, Any] = (await self.client.get(f"/v1/users/{self.user_id}")).json()
        return found

    async def request(self, request_id: str) -> dict[str, Any]:
        """Return a privacy request."""
        answer = await self.client.get(f"/v1/privacy-requests/{request_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    async def erased(self, request_id: str) -> dict[str, Any]:
        """Wait until the erasure is complete, and return the request."""

        async def completed() -> dict[str, Any] | None:
            found = await self.request(request_id)
            return found if found["state"] == "COMPLETED" else None

        return await until(completed, "the erasure is complete", 120)

    async def settled(self) -> None:
        """Wait until everybody has heard everything of the user."""

        async def none_waits() -> bool:
            return not await waiting(self.world, self.user_id)

        await until(none_waits, "every delivery is acknowledged", 60)

    async def refused(self, *recipients: str) -> None:
        """Wait until each of some recipients was told in vain of what waits for it."""

        async def tried() -> bool:
            errors = await waiting(self.world, self.user_id)
            return all(errors.get(one, [None])[0] is not None for one in recipients)

        await until(tried, f"{', '.join(recipients)} were told in vain")

    async def trail(self) -> list[str]:
        """Return the ids of the changes that the audit trail has, in order."""
        query = "SELECT event_id::text FROM audit_entries WHERE user_id = %s AND version IS NOT NULL ORDER BY sequence"
        return [event_id for (event_id,) in await rows(self.world.database_url, query, self.user_id)]

    async def _post(self, what: str, body: object) -> dict[str, Any]:
        answer = await self.client.post(f"/v1/users/{self.user_id}/{what}", body)
        assert answer.status in {200, 201}, answer.body
        found: dict[str, Any] = answer.json()
        return found
