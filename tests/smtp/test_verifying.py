"""From a new user, by the mails that a real server is given, to a verified address."""

import re

import pytest
from attrs import evolve

from tests.builders import SetClock, a_context
from tests.smtp.mailroom import Mailroom
from usercore.adapters.smtp import open_smtp
from usercore.kernel.secret import Secret
from usercore.settings import SmtpSettings
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.read_users import UserNamed
from usercore.users.values import VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.errors import VerificationFailedError
from usercore.verification.start_verification import StartVerificationCommand
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

GRACE = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
LINK = re.compile(r"https://shop\.example/\S*#(\S{43})")


async def mailed(core: Core) -> User:
    """Create a user and give them, with the first mail on its way."""
    user = await core.create_user(CreateUserCommand(GRACE), a_context())
    await delivered(core)
    return user


async def delivered(core: Core) -> None:
    while await core.deliver_pending():
        pass


def token_in(room: Mailroom) -> Secret:
    """Give the token of the link in the last mail, which text and HTML agree about."""
    mail = room.mails[-1]
    [token] = set(LINK.findall(mail.part("plain")))
    assert f"#{token}" in mail.part("html")
    return Secret(token)


@pytest.fixture
def linked(settings: SmtpSettings) -> SmtpSettings:
    return evolve(
        settings,
        invitation_url="https://shop.example/join?user={userId}#{token}",
        verification_url="https://shop.example/verify#{token}",
    )


async def test_the_links_and_the_code_in_mails_verify_the_address(
    room: Mailroom, linked: SmtpSettings, clock: SetClock
) -> None:
    async with open_smtp(linked, clock) as notifications:
        core = memory_core(clock=clock, notification=notifications)
        user = await mailed(core)
        first = token_in(room)
        verified = await core.confirm_by_link(ConfirmByLinkCommand(first), a_context())
        assert (verified.user_id, verified.channel) == (user.id, VerificationChannel.EMAIL)

        started = await core.start_verification(
            StartVerificationCommand(user.id, VerificationChannel.EMAIL), a_context()
        )
        await delivered(core)
        clock.advance(minutes=5)
        [code] = re.findall(r"^\s+(\d{6})$", room.mails[-1].part("plain"), re.MULTILINE)
        await core.confirm_verification(ConfirmVerificationCommand(user.id, started.id, Secret(code)), a_context())
        assert (await core.get_user(UserNamed(user.id))).verification.email == clock.time

        for used in (first, token_in(room)):
            with pytest.raises(VerificationFailedError):
                await core.confirm_by_link(ConfirmByLinkCommand(used), a_context())


async def test_the_link_of_a_mail_that_was_held_up_serves_when_the_code_does_not(
    room: Mailroom, linked: SmtpSettings, clock: SetClock
) -> None:
    async with open_smtp(linked, clock) as notifications:
        core = memory_core(clock=clock, notification=notifications)
        user = await mailed(core)
        await core.start_verification(StartVerificationCommand(user.id, VerificationChannel.EMAIL), a_context())
        clock.advance(minutes=20)
        await delivered(core)
        assert not re.search(r"^\s+\d{6}$", room.mails[-1].part("plain"), re.MULTILINE)
        await core.confirm_by_link(ConfirmByLinkCommand(token_in(room)), a_context())
