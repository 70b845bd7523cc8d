"""The NotificationService that writes mail."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from usercore.adapters.smtp.addresses import ascii_address, ascii_mailbox
from usercore.adapters.smtp.checking import check
from usercore.adapters.smtp.composing import Envelope, Stationery
from usercore.adapters.smtp.errors import LetterInvalidError
from usercore.adapters.smtp.letters import LETTERS, content_of
from usercore.adapters.smtp.postbox import Postbox, open_postbox
from usercore.adapters.smtp.rendering import Templates, Words
from usercore.adapters.smtp.samples import sample_words
from usercore.delivery.ports import NotificationService
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.ports import Clock
from usercore.settings import Mailbox, Problem, SettingsError, SmtpSettings

REMEMBERED: Final = 10_000
"""How many sent deliveries one process knows again."""


@define(eq=False)
class SentKeys:
    """Remembers what was sent, the last :data:`REMEMBERED` of it."""

    _keys: "OrderedDict[str, None]" = field(factory=OrderedDict, init=False, repr=False)

    def __contains__(self, key: str) -> bool:
        """Whether this was sent."""
        return key in self._keys

    def add(self, key: str) -> None:
        """Remember, and forget the oldest."""
        self._keys[key] = None
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)


@frozen(eq=False)
class SmtpNotifications:
    """Sends what deliveries ask for.

    A delivery that this process has sent is not sent again. After a crash between the server's acceptance and our
    acknowledgement it is: then with the same Message-ID, by which mail programs and servers can know it again.
    """

    settings: SmtpSettings
    stationery: Stationery
    templates: Templates
    postbox: Postbox
    clock: Clock
    _sent: SentKeys = field(factory=SentKeys, init=False, repr=False)

    async def notify(self, delivery: Delivery) -> None:
        """Send what the delivery asks for; there is nothing to forget.

        Raises:
            RecipientRefusedError: no mail can do it, or the server refuses it for good.
            RecipientUnavailableError: the server does not answer; try again later.
        """
        if delivery.operation is Operation.FORGET_USER:
            return  # this service keeps nothing of those it has written to
        key = key_of(delivery)
        if key not in self._sent:
            await self.postbox.send(self.envelope(delivery))
            self._sent.add(key)

    def envelope(self, delivery: Delivery) -> Envelope:
        """Return the mail that a delivery asks for.

        Raises:
            RecipientRefusedError: no mail can do it.
        """
        now = self.clock.now()
        content = content_of(delivery, self.settings, now)
        letter = self.templates.render(content.name, content.locale, content.words)
        return self.stationery.envelope(
            letter, content.recipient, key=key_of(delivery), now=now, unsubscribing=content.unsubscribing
        )

    async def send_test(self, address: str, *, locale: str | None, key: str) -> str:
        """Send a mail that says it is a test, and return its Message-ID.

        Args:
            address: to whom.
            locale: the language wanted; None for that of the settings.
            key: makes its Message-ID.

        Raises:
            RecipientRefusedError: the address is none, or the server refuses it for good.
            RecipientUnavailableError: the server does not answer.
        """
        recipient = ascii_address(address)
        if recipient is None:
            raise LetterInvalidError("email: write an address that SMTP takes")
        words = Words(company=self.settings.company_shown, imprint=self.settings.imprint)
        letter = self.templates.render("test", locale or self.settings.locale, words)
        await self.postbox.send(self.stationery.envelope(letter, recipient, key=key, now=self.clock.now()))
        return self.stationery.message_id(key)


def key_of(delivery: Delivery) -> str:
    """Return the idempotency key of a delivery to this service: its event, and what it asks for."""
    return f"{delivery.event_id}.{LETTERS.get(delivery.operation, delivery.operation)}"


@asynccontextmanager
async def open_smtp(settings: SmtpSettings, clock: Clock) -> AsyncIterator[SmtpNotifications]:
    """Open the NotificationService that writes mail, and close its connections at the end.

    Raises:
        SettingsError: an address cannot be used, or a template is broken.
    """
    stationery = stationery_of(settings)
    templates = checked_templates(settings)
    async with open_postbox(settings) as postbox:
        yield SmtpNotifications(settings, stationery, templates, postbox, clock)


def checked_templates(settings: SmtpSettings) -> Templates:
    """Return the templates; those of an operator are tried out.

    Raises:
        SettingsError: a template is broken.
    """
    templates = Templates(settings.templates)
    if settings.templates is not None:
        check(templates, sample_words(settings))
    return templates


def stationery_of(settings: SmtpSettings) -> Stationery:
    """Return what all letters have on top.

    Raises:
        SettingsError: the sender is missing, or an address cannot be used.
    """
    found = {
        "USER_SERVICE_SMTP_FROM": settings.sender,
        "USER_SERVICE_SMTP_REPLY_TO": settings.reply_to,
        "USER_SERVICE_SMTP_BOUNCES_TO": settings.bounces_to,
    }
    sender, reply_to, bounces_to = (_usable(variable, mailbox) for variable, mailbox in found.items())
    if sender is None:
        raise SettingsError(problems=(Problem("USER_SERVICE_SMTP_FROM", "is needed to send mail"),))
    return Stationery(sender, reply_to, bounces_to)


def _usable(variable: str, mailbox: Mailbox | None) -> Mailbox | None:
    try:
        return None if mailbox is None else ascii_mailbox(mailbox)
    except ValueError as error:
        raise SettingsError(problems=(Problem(variable, str(error)),)) from None


if TYPE_CHECKING:

    def _conforms(notifications: SmtpNotifications) -> NotificationService:
        return notifications
