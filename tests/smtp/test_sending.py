"""What a mail server is given, and what becomes of a delivery when it does not take it."""

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from tests.builders import SetClock
from tests.e2e.harness.waiting import until_so
from tests.smtp.mailroom import Mailroom
from usercore.adapters.smtp import SmtpNotifications, open_smtp
from usercore.adapters.smtp.letters import LETTERS
from usercore.adapters.smtp.postbox import MOST_MAILS
from usercore.adapters.smtp.samples import NOW, sample
from usercore.delivery.deliver_pending import CALL_LIMIT
from usercore.delivery.errors import RecipientRefusedError, RecipientUnavailableError
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import EventId
from usercore.settings import Mailbox, SmtpSettings

CANARY = "canary-7f3a@example.com"


def another(number: int, operation: Operation = Operation.SEND_WELCOME) -> Delivery:
    return evolve(sample(operation), event_id=EventId(f"01a20a71-cd43-75c5-8b2d-{number:012d}"))


async def refused(notifications: SmtpNotifications, delivery: Delivery) -> UserCoreError:
    with pytest.raises(UserCoreError) as raised:
        await notifications.notify(delivery)
    assert CANARY not in str(raised.value)
    assert raised.value.__cause__ is None
    return raised.value


@pytest.mark.parametrize("operation", LETTERS)
async def test_each_letter_arrives_with_its_headers_a_text_and_the_same_in_html(
    room: Mailroom, notifications: SmtpNotifications, operation: Operation
) -> None:
    await notifications.notify(sample(operation, "de"))

    [mail] = room.mails
    assert (mail.sender, mail.recipients) == ("users@shop.example", ("grace@example.com",))
    message = mail.message
    assert {
        name: str(value) for name, value in message.items() if not name.startswith(("Subject", "Content-Type"))
    } == {
        "From": "Example Shop <users@shop.example>",
        "To": "grace@example.com",
        "Date": "Tue, 24 Nov 2026 12:00:00 +0000",
        "Message-ID": f"<01a20a71-cd43-75c5-8b2d-2932faed73ce.{LETTERS[operation]}@shop.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "de",
        "MIME-Version": "1.0",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert "Guten Tag Grace," in mail.part("plain")
    assert "Guten Tag Grace," in mail.part("html")
    assert mail.content.isascii()
    assert max(map(len, mail.content.splitlines())) < 100


async def test_answers_and_bounces_go_where_the_settings_say(room: Mailroom, settings: SmtpSettings) -> None:
    boxes = evolve(
        settings, reply_to=Mailbox("help@shop.example", "Hilfe, jederzeit"), bounces_to=Mailbox("b@münchen.example")
    )
    async with open_smtp(boxes, SetClock(NOW)) as notifications:
        await notifications.notify(sample(Operation.SEND_WELCOME))

    [mail] = room.mails
    assert mail.sender == "b@xn--mnchen-3ya.example"
    assert str(mail.message["Reply-To"]) == '"Hilfe, jederzeit" <help@shop.example>'


async def test_a_domain_in_other_letters_is_written_in_those_of_the_dns(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    await notifications.notify(sample(Operation.SEND_WELCOME, email="Grace@BÜCHER.example"))

    assert room.mails[0].recipients == ("Grace@xn--bcher-kva.example",)
    assert str(room.mails[0].message["To"]) == "Grace@xn--bcher-kva.example"


async def test_a_delivery_that_comes_again_is_sent_once(room: Mailroom, notifications: SmtpNotifications) -> None:
    for _ in range(3):
        await notifications.notify(sample(Operation.SEND_WELCOME))
    await notifications.notify(another(1))

    assert len(room.mails) == 2


async def test_what_another_process_sends_again_has_the_same_message_id(room: Mailroom, settings: SmtpSettings) -> None:
    for hours in (0, 1):
        async with open_smtp(settings, SetClock(NOW + timedelta(hours=hours))) as notifications:
            await notifications.notify(sample(Operation.SEND_WELCOME))

    first, second = (mail.message for mail in room.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] != second["Date"]


async def test_mails_share_connections_and_as_many_as_the_settings_allow(
    room: Mailroom, settings: SmtpSettings
) -> None:
    async with open_smtp(evolve(settings, connections=2), SetClock(NOW)) as notifications:
        await notifications.notify(another(0))
        await notifications.notify(another(1))
        assert len(room.connections) == 1

        await asyncio.gather(*[notifications.notify(another(number)) for number in range(2, 22)])

    assert len(room.mails) == 22
    assert len(room.connections) == 2


async def test_a_mail_that_finds_all_connections_busy_for_too_long_waits_outside(
    room: Mailroom, settings: SmtpSettings
) -> None:
    patience = CALL_LIMIT.total_seconds() - 0.1
    async with open_smtp(evolve(settings, connections=1, timeout_s=patience), SetClock(NOW)) as notifications:
        room.held = asyncio.Event()
        sending = asyncio.create_task(notifications.notify(another(0)))
        await until_so(lambda: "RCPT" in room.commands, "the mail is on its way")
        error = await refused(notifications, another(1))
        room.held.set()
        await sending

    assert isinstance(error, RecipientUnavailableError)
    assert error.cause == "busy"
    assert len(room.mails) == 1


async def test_a_connection_is_left_after_its_share_of_mails(room: Mailroom, notifications: SmtpNotifications) -> None:
    for number in range(MOST_MAILS + 1):
        await notifications.notify(another(number))

    assert len(room.connections) == 2
    assert len(room.mails) == MOST_MAILS + 1
    await until_so(lambda: "QUIT" in room.commands, "the first connection is left")


async def test_a_connection_is_left_when_nothing_more_is_to_be_sent(room: Mailroom, settings: SmtpSettings) -> None:
    async with open_smtp(evolve(settings, idle_s=0.02), SetClock(NOW)) as notifications:
        await notifications.notify(another(0))
        await until_so(lambda: "QUIT" in room.commands, "the connection is left")
        await notifications.notify(another(1))
    assert len(room.connections) == 2
    assert room.commands.count("QUIT") == 2


async def test_a_connection_that_the_server_ended_meanwhile_is_noticed_before_a_mail_is_sent(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    await notifications.notify(another(0))
    room.hang_up()
    await notifications.notify(another(1))
    room.answer("RSET", "421 4.4.2 too long idle")
    await notifications.notify(another(2))

    assert [len(room.mails), len(room.connections)] == [3, 3]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_an_answer_of_4xx_is_tried_again_later(
    room: Mailroom, notifications: SmtpNotifications, command: str
) -> None:
    room.answer(command, f"451 4.7.1 {CANARY} is asked to wait")

    error = await refused(notifications, sample(Operation.SEND_WELCOME, email=CANARY))
    assert isinstance(error, RecipientUnavailableError)
    assert error.cause == "smtp_451"
    assert "451 4.7.1" in str(error)
    await notifications.notify(sample(Operation.SEND_WELCOME, email=CANARY))

    assert len(room.mails) == 1


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_an_answer_of_5xx_is_for_good_and_harms_no_other_mail(
    room: Mailroom, notifications: SmtpNotifications, command: str
) -> None:
    room.answer(command, f"550 5.1.1 <{CANARY}>: unknown")

    error = await refused(notifications, sample(Operation.SEND_WELCOME, email=CANARY))
    await notifications.notify(another(1))

    assert isinstance(error, RecipientRefusedError)
    assert error.cause == "smtp_550"
    assert str(error) == "the mail server refuses this mail or its recipient for good (550 5.1.1)"
    assert [mail.recipients for mail in room.mails] == [("grace@example.com",)]
    assert len(room.connections) == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("MAIL", "550 5.7.1 we do not know you"),
        ("MAIL", "530 5.7.0 authentication required"),
        ("RCPT", "530 5.7.0 authentication required"),
        ("DATA", "538 5.7.11 encryption required"),
    ],
)
async def test_a_refusal_of_ourselves_is_no_refusal_of_the_mail(
    room: Mailroom, notifications: SmtpNotifications, command: str, answer: str
) -> None:
    room.answer(command, answer)

    assert isinstance(await refused(notifications, sample(Operation.SEND_WELCOME)), UnavailableError)


async def test_a_mail_that_is_too_large_for_the_server_is_refused_for_good(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    room.answer("MAIL", "552 5.3.4 too large")

    assert isinstance(await refused(notifications, sample(Operation.SEND_WELCOME)), RecipientRefusedError)


async def test_a_server_that_is_not_there_is_asked_again_later(settings: SmtpSettings, room: Mailroom) -> None:
    async with open_smtp(evolve(settings, port=1), SetClock(NOW)) as notifications:
        error = await refused(notifications, sample(Operation.SEND_WELCOME))
    assert isinstance(error, UnavailableError)
    assert str(error) == "the mail server does not answer"
    assert room.connections == []


async def test_a_server_that_does_not_answer_in_time_is_given_up_and_the_connection_with_it(
    room: Mailroom, settings: SmtpSettings
) -> None:
    async with open_smtp(evolve(settings, timeout_s=0.2, connections=1), SetClock(NOW)) as notifications:
        room.held = asyncio.Event()
        assert isinstance(await refused(notifications, another(0)), UnavailableError)
        room.held.set()
        await notifications.notify(another(1))
    assert len(room.connections) == 2


async def test_a_connection_that_breaks_while_a_mail_is_sent_is_no_success(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    room.held = asyncio.Event()
    sending = asyncio.create_task(refused(notifications, another(0)))
    await until_so(lambda: "RCPT" in room.commands, "the mail is on its way")
    room.hang_up()

    assert isinstance(await sending, UnavailableError)


async def test_a_mail_whose_sending_is_cancelled_leaves_no_connection_in_disorder(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    room.held = asyncio.Event()
    sending = asyncio.create_task(notifications.notify(another(0)))
    await until_so(lambda: "RCPT" in room.commands, "the mail is on its way")
    sending.cancel()
    await asyncio.wait([sending])
    room.held.set()
    await until_so(room.connections[0].is_closing, "the connection is closed")
    await notifications.notify(another(1))

    assert len(room.connections) == 2
    assert room.mails[-1].message["Message-ID"].startswith("<01a20a71-cd43-75c5-8b2d-000000000001")


async def test_there_is_nothing_to_forget(room: Mailroom, notifications: SmtpNotifications) -> None:
    await notifications.notify(sample(Operation.FORGET_USER))

    assert room.connections == []


async def test_a_test_says_that_it_is_one(room: Mailroom, notifications: SmtpNotifications) -> None:
    sent = await notifications.send_test("ada@example.com", locale="fr", key="test.1")

    [mail] = room.mails
    assert (sent, str(mail.message["Message-ID"])) == ("<test.1@shop.example>",) * 2
    assert str(mail.message["Subject"]) == "Un test de Example Shop"
