"""Tokens of unsubscription links: who unsubscribes from what, sealed against invention."""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from attrs import frozen

from usercore.kernel.ids import UserId
from usercore.kernel.ports import KeyedHasher
from usercore.preferences.values import TOPIC_MAX_CHARS, parse_topic_name
from usercore.privacy.mailing.errors import UnsubscribeTokenInvalidError
from usercore.users.values import ValueRejectedError

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 16
"""Half of an HMAC-SHA256: nobody guesses 128 bits. Source: RFC 2104, section 5."""
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES + _MAC_BYTES
_PURPOSE: Final = "unsubscribe"
"""The purpose of the keyed hash."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{44,128}", re.ASCII)

TOKEN_MAX_CHARS: Final = 4 * ((_HEAD_BYTES + TOPIC_MAX_CHARS + 2) // 3)


@frozen
class Ticket:
    """What a token says.

    Args:
        user_id: who unsubscribes.
        topic: from which topic; None means: from all that can be left.
    """

    user_id: UserId
    topic: str | None


@frozen
class UnsubscribeTokens:
    """Makes tokens and reads them.

    A token holds the user's id and the topic's name, nothing that says who it is, and a keyed hash of both. It stays
    valid for ever: mail is kept for years.
    """

    keyed: KeyedHasher

    async def write(self, ticket: Ticket) -> str:
        """Return the token of a ticket: letters, digits, ``-`` and ``_``.

        Raises:
            ValueError: the id is none of ours.
            UnavailableError: the key cannot be read.
        """
        topic = (ticket.topic or "").encode()
        token = _VERSION + UUID(ticket.user_id).bytes + await self._mac(ticket) + topic
        return urlsafe_b64encode(token).rstrip(b"=").decode()

    async def read(self, token: str) -> Ticket:
        """Return what a token says.

        Raises:
            UnsubscribeTokenInvalidError: it is none of ours. How it is wrong makes no difference, and nobody is
                looked up for it.
            UnavailableError: the key cannot be read.
        """
        ticket, mac = _parse(token)
        if not hmac.compare_digest(mac, await self._mac(ticket)):
            raise UnsubscribeTokenInvalidError
        return ticket

    async def _mac(self, ticket: Ticket) -> bytes:
        digest = await self.keyed.digest(_PURPOSE, f"{ticket.user_id}\n{ticket.topic or ''}")
        return digest[:_MAC_BYTES]


def _parse(token: str) -> tuple[Ticket, bytes]:
    if not _TOKEN.fullmatch(token):
        raise UnsubscribeTokenInvalidError
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise UnsubscribeTokenInvalidError from None
    # Of the many ways to write the same bytes, one is a token.
    written_so = urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if not written_so or len(raw) < _HEAD_BYTES or not raw.startswith(_VERSION):
        raise UnsubscribeTokenInvalidError
    user_id = UserId(str(UUID(bytes=raw[1 : 1 + _ID_BYTES])))
    return Ticket(user_id, _topic(raw[_HEAD_BYTES:])), raw[1 + _ID_BYTES : _HEAD_BYTES]


def _topic(raw: bytes) -> str | None:
    try:
        return parse_topic_name(raw.decode("ascii")) if raw else None
    except (UnicodeDecodeError, ValueRejectedError):
        raise UnsubscribeTokenInvalidError from None
