"""Mail on email topics: asked for, ended by one click, or not sent at all."""

from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from usercore.delivery.ports import NotificationService
from usercore.delivery.values import Delivery
from usercore.kernel.errors import NotFoundError
from usercore.privacy.mailing.permission import ReadMailPermission
from usercore.users.errors import QueryInvalidError

TOPIC: Final = "topic"
"""The member of a payload that names the email topic. What has none belongs to the contract or the law, and is sent."""
LIST_UNSUBSCRIBE: Final = "listUnsubscribe"
"""The member that the NotificationService is given: the value of the header List-Unsubscribe. Source: RFC 8058, 3.1."""


@frozen
class TopicMail:
    """Stands in front of the NotificationService.

    Whether the user wants mail of the topic is asked when it is sent, not when it was written down.
    """

    inner: NotificationService
    permission: ReadMailPermission

    async def notify(self, delivery: Delivery) -> None:
        """Send what the delivery asks for, unless it is mail that the user need not take and does not want.

        Raises:
            UnavailableError: try again later.
        """
        topic = delivery.payload.get(TOPIC)
        if not isinstance(topic, str):
            await self.inner.notify(delivery)
            return
        try:
            may = await self.permission(delivery.user_id, topic)
        except (NotFoundError, QueryInvalidError):
            return  # the user or the topic is no more
        if may.allowed:
            link = {} if may.unsubscribe_url is None else {LIST_UNSUBSCRIBE: f"<{may.unsubscribe_url}>"}
            await self.inner.notify(evolve(delivery, payload={**delivery.payload, **link}))


if TYPE_CHECKING:

    def _conforms(inner: NotificationService, permission: ReadMailPermission) -> NotificationService:
        return TopicMail(inner, permission)
