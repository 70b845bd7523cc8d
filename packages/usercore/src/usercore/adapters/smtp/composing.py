"""A letter as it goes over the wire: headers, a text, and the same in HTML."""

import re
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from attrs import field, frozen

from usercore.adapters.smtp.headers import WirePolicy, mailbox_value, text_value
from usercore.adapters.smtp.letters import Unsubscribing
from usercore.adapters.smtp.rendering import Letter
from usercore.settings import Mailbox

_NOT_AN_ATOM = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_WIRE: Final = WirePolicy(linesep="\r\n", cte_type="7bit")


@frozen
class Envelope:
    """A letter ready to be sent.

    Args:
        sender: who hears of it where it cannot be delivered.
        recipient: one address.
        content: what goes behind DATA: ASCII, lines ended by CR and LF.
    """

    sender: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)


@frozen
class Stationery:
    """What all letters have on top.

    Args:
        sender: who writes; its domain ends every Message-ID.
        reply_to: who gets answers; None for the sender.
        bounces_to: who hears of what cannot be delivered; None for the sender.
    """

    sender: Mailbox
    reply_to: Mailbox | None = None
    bounces_to: Mailbox | None = None

    def message_id(self, key: str) -> str:
        """Return the Message-ID of what has this idempotency key, the same each time.

        Source: RFC 5322, 3.6.4: an atom, an at sign, a domain.
        """
        return f"<{_NOT_AN_ATOM.sub('.', key).strip('.')}@{self.sender.domain}>"

    def envelope(
        self, letter: Letter, recipient: str, *, key: str, now: datetime, unsubscribing: Unsubscribing | None = None
    ) -> Envelope:
        """Return a letter ready to be sent.

        Args:
            letter: what it says.
            recipient: an ASCII address.
            key: the idempotency key of what is sent.
            now: aware; its date.
            unsubscribing: how to be written to no more.
        """
        message = EmailMessage(policy=_WIRE)
        message["From"] = mailbox_value("From", self.sender)
        message["To"] = recipient
        message["Subject"] = text_value("Subject", letter.subject)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = self.message_id(key)
        if self.reply_to is not None:
            message["Reply-To"] = mailbox_value("Reply-To", self.reply_to)
        message["Auto-Submitted"] = "auto-generated"  # Source: RFC 3834, 5.1: answer with no automatic message
        if unsubscribing is not None:
            message["List-Unsubscribe"] = ", ".join(f"<{one}>" for one in unsubscribing.addresses)
            if unsubscribing.one_click:
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # Source: RFC 8058, 3.1
        message.set_content(letter.text, charset="utf-8", cte="quoted-printable")
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html", charset="utf-8", cte="quoted-printable")
        message["Content-Language"] = letter.language  # behind the parts: the library would move it into the first
        bounces_to = self.bounces_to or self.sender
        return Envelope(bounces_to.address, recipient, message.as_bytes())
