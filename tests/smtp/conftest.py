"""Mail on a real SMTP server that the test runs in its own loop."""

from collections.abc import AsyncIterator

import pytest

from tests.builders import SetClock
from tests.smtp.mailroom import Mailroom, mailroom
from usercore.adapters.smtp import SmtpNotifications, open_smtp
from usercore.adapters.smtp.samples import NOW
from usercore.settings import Mailbox, SmtpSecurity, SmtpSettings


@pytest.fixture
async def room() -> AsyncIterator[Mailroom]:
    async with mailroom() as running:
        yield running


@pytest.fixture
def settings(room: Mailroom) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1",
        port=room.port,
        security=SmtpSecurity.NONE,
        helo_name="users.test",
        sender=Mailbox("users@shop.example", "Example Shop"),
        timeout_s=5,
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
async def notifications(settings: SmtpSettings, clock: SetClock) -> AsyncIterator[SmtpNotifications]:
    async with open_smtp(settings, clock) as opened:
        yield opened
