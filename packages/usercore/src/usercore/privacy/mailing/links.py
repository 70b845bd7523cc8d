"""Where one click unsubscribes."""

from typing import Final

from attrs import frozen

from usercore.kernel.ids import UserId
from usercore.privacy.mailing.tokens import Ticket, UnsubscribeTokens

PATH: Final = "/v1/unsubscribe/"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
"""What is posted there, and the value of List-Unsubscribe-Post. Source: RFC 8058, 3.1 and 3.2."""


@frozen
class UnsubscribeLinks:
    """Makes unsubscription links.

    Args:
        tokens: makes their tokens.
        base_url: where this service is reached from outside, without a slash at the end; None where nobody said.
    """

    tokens: UnsubscribeTokens
    base_url: str | None

    async def url(self, user_id: UserId, topic: str | None) -> str | None:
        """Return the link by which a user leaves a topic, or all; None where nobody said where we are reached.

        Raises:
            UnavailableError: the key cannot be read.
        """
        if self.base_url is None:
            return None
        return f"{self.base_url}{PATH}{await self.tokens.write(Ticket(user_id, topic))}"


def header_values(url: str) -> dict[str, str]:
    """Return the headers of a mail that can be ended by one click. Source: RFC 2369, 3.2; RFC 8058, 3.1."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": ONE_CLICK}
