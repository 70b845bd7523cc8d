"""What people can do with the mail they get: confirm an address, and read what became of their request."""

import re
from collections.abc import AsyncIterator

import pytest
from attrs import evolve, frozen

from tests.builders import SetClock, a_context
from tests.smtp.mailroom import Accepted, Mailroom
from usercore.adapters.smtp import open_smtp
from usercore.delivery.values import DeliveryFilter, DeliveryState, Recipient
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId
from usercore.kernel.secret import Secret
from usercore.privacy.requests.make_request import MakePrivacyRequestCommand
from usercore.privacy.requests.values import RefusalGround, RequestKind
from usercore.settings import SmtpSettings
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.read_users import UserNamed
from usercore.users.values import VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core


@frozen
class Correspondence:
    """A core whose mail arrives."""

    core: Core
    room: Mailroom

    async def new_user(self) -> User:
        profile = ProfilePatch(
            email="grace@example.com", first_name="Grace", last_name="Hopper", phone_number="+4922112345"
        )
        return await self.core.create_user(CreateUserCommand(profile), a_context())

    async def mail(self) -> Accepted:
        """Deliver, and return the last mail."""
        while await self.core.deliver_pending(Recipient.NOTIFICATION):
            pass
        return self.room.mails[-1]

    async def verified(self, user: User) -> bool:
        return (await self.core.get_user(UserNamed(user.id))).verification.email is not None


@pytest.fixture
async def letters(room: Mailroom, settings: SmtpSettings, clock: SetClock) -> AsyncIterator[Correspondence]:
    linked = evolve(
        settings,
        verification_url="https://shop.example/verify#{token}",
        invitation_url="https://shop.example/set-password#{token}",
        privacy_url="https://shop.example/privacy/{requestId}",
    )
    async with open_smtp(linked, clock) as notifications:
        yield Correspondence(memory_core(notification=notifications, clock=clock), room)


def token_in(mail: Accepted) -> Secret:
    [token] = re.findall(r"https://shop\.example/[a-z-]+#(\S+)", mail.part("plain"))
    return Secret(token)


async def test_the_first_mail_to_a_new_user_proves_their_address(letters: Correspondence) -> None:
    user = await letters.new_user()
    token = token_in(await letters.mail())

    assert not await letters.verified(user)
    await letters.core.confirm_by_link(ConfirmByLinkCommand(token), a_context())
    assert await letters.verified(user)


@pytest.mark.parametrize("by_link", [True, False])
async def test_a_mail_that_was_asked_for_proves_the_address_by_its_code_or_its_link(
    letters: Correspondence, *, by_link: bool
) -> None:
    user = await letters.new_user()
    command = StartVerificationCommand(user.id, VerificationChannel.EMAIL)
    started = await letters.core.start_verification(command, a_context())
    mail = await letters.mail()
    [code] = re.findall(r"^    (\d+)$", mail.part("plain"), re.MULTILINE)

    proof = token_in(mail) if by_link else Secret(code)
    await letters.core.confirm_verification(
        ConfirmVerificationCommand(user.id, EventId(started.id), proof, by_link=by_link), a_context()
    )
    assert await letters.verified(user)


async def test_a_code_for_a_telephone_is_put_before_an_operator_and_holds_up_no_mail(letters: Correspondence) -> None:
    user = await letters.new_user()
    await letters.core.start_verification(StartVerificationCommand(user.id, VerificationChannel.PHONE), a_context())
    await letters.core.start_verification(StartVerificationCommand(user.id, VerificationChannel.EMAIL), a_context())
    mail = await letters.mail()

    assert str(mail.message["Subject"]) == "Confirm your email address"
    wanted = DeliveryFilter(state=DeliveryState.FAILED)
    [refused] = (await letters.core.list_deliveries(wanted, after=None, limit=10)).items
    assert refused.error_code == "notification_channel_unsupported"


async def test_a_person_whose_request_is_refused_reads_why_and_by_which_law(letters: Correspondence) -> None:
    user = await letters.new_user()
    person = a_context(actor=Actor(ActorKind.USER, user.id))
    command = MakePrivacyRequestCommand(user.id, RequestKind.ERASURE, signed_in=True)
    request = await letters.core.make_privacy_request(command, person)
    words = "We must keep the invoices of the last ten years."
    await letters.core.refuse_request(request.id, RefusalGround.LEGAL_OBLIGATION, words, a_context())
    text = (await letters.mail()).part("plain")

    assert "You asked us about the erasure of your data. We cannot follow it." in text
    assert f"Our reasons: {words}" in text
    assert "GDPR Art. 17(3)(b)" in text
    assert f"https://shop.example/privacy/{request.id}\n" in text
