"""The AuditService over HTTP: docs/contracts/audit-service.yaml."""

from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.http.client import ServiceClient
from usercore.delivery.errors import RecipientRefusedError
from usercore.delivery.ports import AuditService
from usercore.delivery.values import Delivery

PATHS: Final = {"RECORD_ENTRY": "v1/entries", "RECORD_CHECKPOINT": "v1/checkpoints"}
"""Where each operation goes."""


@frozen
class HttpAuditService:
    """Gives the AuditService what it is to keep."""

    client: ServiceClient

    async def record(self, delivery: Delivery) -> None:
        """Keep the entry; the same entry again has no further effect.

        Raises:
            RecipientUnavailableError: try again later.
            RecipientRefusedError: never try again.
        """
        path = PATHS.get(delivery.operation.value)
        if path is None:
            raise RecipientRefusedError(cause="operation_unknown")
        await self.client.tell("POST", path, delivery, dict(delivery.payload))


if TYPE_CHECKING:

    def _conforms(client: ServiceClient) -> AuditService:
        return HttpAuditService(client)
