"""Mail: the NotificationService by SMTP, and a look at what it would send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import evolve, frozen

from usercore.adapters.system import SystemClock, SystemIds
from usercore.delivery.ports import NotificationService
from usercore.delivery.values import Operation
from usercore.settings import Mailbox, SettingsError, SmtpSettings

PREVIEW_SENDER: Final = Mailbox("users@example.com", "Example Shop")
"""Who writes in a preview where the settings name nobody."""
LETTERS: Final = tuple(one for one in Operation if one.startswith("SEND_"))
"""The operations that send something."""


@frozen
class Preview:
    """A letter to a person made up.

    Args:
        subject: on one line.
        text: its text.
        html: the same in HTML; None where there is none.
        language: that of the template.
    """

    subject: str
    text: str
    html: str | None
    language: str


@asynccontextmanager
async def open_notifications(settings: SmtpSettings) -> AsyncIterator[NotificationService]:
    """Open the NotificationService that writes mail, and close its connections at the end.

    Raises:
        SettingsError: the settings are not enough, or a template is broken.
    """
    # The template engine takes time to import, and most commands send nothing.
    from usercore.adapters.smtp import open_smtp  # noqa: PLC0415

    async with open_smtp(settings, SystemClock()) as notifications:
        yield notifications


def preview(settings: SmtpSettings, operation: Operation, locale: str | None) -> Preview:
    """Return what a letter looks like.

    Args:
        settings: whose templates, names and links are shown; they need not be enough to send.
        operation: one of :data:`LETTERS`.
        locale: the language wanted; None for that of the settings.

    Raises:
        SettingsError: a template is broken.
    """
    from usercore.adapters.smtp.previewing import sample_letter  # noqa: PLC0415 - as above

    shown = settings if settings.sender is not None else evolve(settings, sender=PREVIEW_SENDER)
    letter = sample_letter(shown, operation, locale)
    return Preview(letter.subject, letter.text, letter.html, letter.language)


async def send_test(settings: SmtpSettings, address: str, locale: str | None) -> str:
    """Send a mail that says it is a test, and return its Message-ID.

    Args:
        settings: how to send.
        address: to whom.
        locale: the language wanted; None for that of the settings.

    Raises:
        SettingsError: the settings are not enough, or a template is broken.
        RecipientRefusedError: the address is none, or the server refuses it for good.
        RecipientUnavailableError: the server does not answer.
    """
    from usercore.adapters.smtp import open_smtp  # noqa: PLC0415 - as above

    if missing := settings.missing():
        raise SettingsError(problems=missing)
    async with open_smtp(settings, SystemClock()) as notifications:
        return await notifications.send_test(address, locale=locale, key=f"{SystemIds().event_id()}.test")
