"""The NotificationService over HTTP: docs/contracts/notification-service.yaml."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from attrs import frozen

from usercore.adapters.http.authentication import ABSENT
from usercore.adapters.http.client import ServiceClient
from usercore.codec.scalars import timestamp
from usercore.delivery.ports import NotificationService
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.secret import Secret


@frozen
class HttpNotificationService:
    """Asks the NotificationService to write to users, or to forget one."""

    client: ServiceClient

    async def notify(self, delivery: Delivery) -> None:
        """Send what the delivery asks for; the same delivery again sends nothing.

        Raises:
            RecipientUnavailableError: try again later.
            RecipientRefusedError: never try again.
        """
        if delivery.operation is Operation.FORGET_USER:
            await self.client.tell("DELETE", f"v1/users/{quote(delivery.user_id, safe='')}", delivery, accept=ABSENT)
            return
        body: dict[str, object] = {
            "kind": delivery.operation.value,
            "userId": delivery.user_id,
            "occurredAt": timestamp(delivery.created_at),
            "content": dict(delivery.payload),
        }
        if delivery.secret is not None:
            body["secret"] = _members(delivery.secret)
        await self.client.tell("POST", "v1/messages", delivery, body)


def _members(secret: Secret) -> Mapping[str, object]:
    """Return a secret by its members: a code, a token; one that has no names is the value."""
    try:
        members = json.loads(secret.reveal())
    except ValueError:
        members = None
    return members if isinstance(members, dict) else {"value": secret.reveal()}


if TYPE_CHECKING:

    def _conforms(client: ServiceClient) -> NotificationService:
        return HttpNotificationService(client)
