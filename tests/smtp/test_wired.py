"""From what happens to a user to the mail that is sent of it, with a server that is away for a while."""

import io
import logging
from collections.abc import Sequence

import pytest
import structlog
from attrs import evolve

from tests.builders import SetClock, a_context, a_profile, an_email, creation, update
from tests.smtp.mailroom import Mailroom
from usercore.adapters.smtp import SmtpNotifications, open_smtp
from usercore.adapters.smtp.samples import NOW, sample
from usercore.delivery.topic_mail import TopicMail
from usercore.delivery.values import DeliveryFilter, DeliveryLine, DeliveryState, Operation, Recipient
from usercore.kernel.ids import EventId
from usercore.observe.logs import configure_logs
from usercore.preferences.topics import RegisterTopicCommand
from usercore.settings import (
    NotificationAdapter,
    NotificationSettings,
    ServicesSettings,
    SmtpSettings,
    TelemetrySettings,
)
from usercore.settings.sections import LogFormat, LogLevel
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.ports import Change
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_core, memory_ports
from usercore.wiring.services import open_services


async def core_with(notifications: SmtpNotifications, clock: SetClock, *changes: Change) -> Core:
    core = memory_core(notification=notifications, clock=clock)
    assert list(await core.ports.writer.commit(changes)) == [None] * len(changes)
    return core


async def letters(core: Core) -> Sequence[DeliveryLine]:
    wanted = DeliveryFilter(recipient=Recipient.NOTIFICATION)
    return (await core.ports.delivery_records.page(wanted, after=None, limit=10)).items


async def delivered(core: Core) -> None:
    while await core.deliver_pending():
        pass


async def test_a_new_user_is_greeted_in_their_language_and_the_old_address_hears_of_a_new_one(
    room: Mailroom, notifications: SmtpNotifications, clock: SetClock
) -> None:
    created = creation(a_profile("grace@example.com", locale="fr-CA"), password_hash="$argon2id$x")
    moved = update(created.user, email=an_email("new@example.com"))
    await delivered(await core_with(notifications, clock, created, moved))

    assert [(mail.recipients, str(mail.message["Subject"])) for mail in room.mails] == [
        (("grace@example.com",), "Bienvenue chez Example Shop"),
        (("grace@example.com",), "L\u2019adresse e-mail de votre compte a été modifiée"),
    ]
    assert "argon2" not in "".join(mail.content.decode() for mail in room.mails)
    assert b"new@example.com" not in room.mails[1].content


async def test_a_server_that_is_away_for_a_while_loses_no_mail(
    room: Mailroom, notifications: SmtpNotifications, clock: SetClock
) -> None:
    core = await core_with(notifications, clock, creation())
    room.answer("MAIL", *["421 4.3.2 shutting down"] * 3)

    for _ in range(3):
        await delivered(core)
        clock.advance(hours=1)
    assert room.mails == []
    [line] = await letters(core)
    assert (line.state, line.error_code, line.attempts) == (DeliveryState.WAITING, "smtp_421", 3)
    await delivered(core)

    assert len(room.mails) == 1


async def test_a_mail_that_is_refused_for_good_is_put_before_an_operator(
    room: Mailroom, notifications: SmtpNotifications, clock: SetClock
) -> None:
    core = await core_with(notifications, clock, creation())
    room.answer("RCPT", "550 5.1.1 no such user")
    await delivered(core)

    [line] = await letters(core)
    assert (line.state, line.error_code) == (DeliveryState.FAILED, "smtp_550")
    await core.ports.delivery_records.retry(line.key, now=clock.now())
    await delivered(core)
    assert len(room.mails) == 1


async def test_a_process_that_died_before_it_could_say_so_sends_again_under_the_same_name(
    room: Mailroom, settings: SmtpSettings, clock: SetClock
) -> None:
    created = creation()
    for _ in range(2):
        async with open_smtp(settings, clock) as notifications:
            await delivered(await core_with(notifications, clock, created))

    assert len({str(mail.message["Message-ID"]) for mail in room.mails}) == 1
    assert len(room.mails) == 2
    assert str(room.mails[0].message["Message-ID"]) == f"<{created.event_id}.invitation@shop.example>"


async def test_mail_on_a_topic_is_ended_by_the_address_in_its_header(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    core = assemble(memory_ports(), public_url="https://users.example.com")
    await core.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    user = await core.create_user(CreateUserCommand(profile), a_context())
    mail = evolve(sample(Operation.SEND_INACTIVITY_NOTICE, topic="news"), user_id=user.id)
    wanted = TopicMail(notifications, core.read_mail_permission)

    await wanted.notify(mail)
    [sent] = room.mails
    address = str(sent.message["List-Unsubscribe"]).strip("<>")
    assert str(sent.message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert f"\nTo receive no more of this kind: {address}\n" in sent.part("plain")
    await core.unsubscribe(address.rpartition("/")[2], a_context())
    await wanted.notify(evolve(mail, event_id=EventId("01a20a71-cd43-75c5-8b2d-000000000002")))
    assert room.mails == [sent]


async def test_the_settings_choose_mail(room: Mailroom, settings: SmtpSettings) -> None:
    chosen = ServicesSettings(notification=NotificationSettings(adapter=NotificationAdapter.SMTP), smtp=settings)
    async with open_services(chosen) as services:
        await services.notification.notify(evolve(sample(Operation.SEND_WELCOME), created_at=NOW))

    assert len(room.mails) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["421 4.3.2 {}", "450 4.2.1 {}", "550 5.1.1 {}", "554 5.7.1 {}", "250 {}", "{}"])
async def test_what_a_mail_server_says_of_somebody_is_neither_kept_nor_logged(
    room: Mailroom,
    notifications: SmtpNotifications,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    answer: str,
) -> None:
    # The test's own server logs what it is told.
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)
    log, before = io.StringIO(), structlog.get_config()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logs(TelemetrySettings(LogLevel.DEBUG, LogFormat.JSON), log)
    canary = "cnryq7f3"
    try:
        core = await core_with(notifications, clock, creation(a_profile(f"{canary}@example.com", first_name=canary)))
        room.answer(stage, answer.format(f"<{canary}@example.com> {canary} is unknown here"))
        await delivered(core)
    finally:
        structlog.configure(**before)
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)

    assert room.commands.count(stage) >= 1
    told = [str(await letters(core)), log.getvalue()]
    assert canary not in "".join(told).lower()
