"""`userctl mail`: letters shown, and a test that is really sent."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.cli.userctl import Userctl
from tests.smtp.mailroom import Mailroom, mailroom


@pytest.fixture
def room() -> Iterator[Mailroom]:
    """A mail server in a thread of its own: the test waits for userctl meanwhile."""
    loop = asyncio.new_event_loop()
    opened = mailroom()
    room = loop.run_until_complete(opened.__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield room
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.close()


def smtp(port: int) -> dict[str, str]:
    return {
        "USER_SERVICE_SMTP_HOST": "127.0.0.1",
        "USER_SERVICE_SMTP_PORT": str(port),
        "USER_SERVICE_SMTP_SECURITY": "none",
        "USER_SERVICE_SMTP_FROM": "Example Shop <users@shop.example>",
    }


def test_a_letter_is_shown_without_any_server(alone: Userctl) -> None:
    done = alone("mail", "preview", "verification", "--locale", "de-CH", USER_SERVICE_SMTP_COMPANY="Müller & Söhne")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Subject: Bestätigen Sie Ihre E-Mail-Adresse\n\nGuten Tag Grace,\n")
    assert "    483920\n" in done.out
    assert "hat Müller & Söhne gebeten" in done.out


def test_a_letter_is_shown_in_html_and_as_json(alone: Userctl) -> None:
    assert '<html lang="fr">' in alone("mail", "preview", "welcome", "--locale", "fr", "--html").out
    shown = alone.json("mail", "preview", "SEND_INACTIVITY_NOTICE")
    assert sorted(shown) == ["html", "language", "subject", "text"]
    assert shown["language"] == "en"


def test_what_is_no_letter_and_a_broken_template_are_said_to_be_so(alone: Userctl) -> None:
    done = alone("mail", "preview", "birthday")
    assert (done.code, done.error.partition(": the letter")[0]) == (64, "userctl: usage")
    (alone.folder / "de").mkdir()
    (alone.folder / "de" / "welcome.txt").write_text("Subject: {{ compny }}\n\nText\n", encoding="utf-8")
    done = alone("mail", "preview", "welcome", USER_SERVICE_SMTP_TEMPLATES=str(alone.folder))
    problem = "de/welcome.txt: there is no variable compny; did you mean company?"
    assert (done.code, done.error) == (78, f"userctl: settings_invalid: USER_SERVICE_SMTP_TEMPLATES: {problem}")


def test_a_test_is_sent(alone: Userctl, room: Mailroom) -> None:
    sent = alone.json("mail", "test", "ada@example.com", "--locale", "de", **smtp(room.port))

    [mail] = room.mails
    assert mail.recipients == ("ada@example.com",)
    assert str(mail.message["Message-ID"]) == sent["messageId"]
    assert str(mail.message["Subject"]) == "Ein Test von Example Shop"


def test_a_test_that_cannot_be_sent_says_why_and_not_to_whom(alone: Userctl, room: Mailroom) -> None:
    missing = alone("mail", "test", "ada@example.com")
    assert missing.code == 78
    assert [line.split(": ")[2] for line in missing.err.splitlines()] == [
        "USER_SERVICE_SMTP_HOST",
        "USER_SERVICE_SMTP_FROM",
    ]
    room.answer("RCPT", "550 5.1.1 <canary@example.com> is unknown")
    refused = alone("mail", "test", "canary@example.com", **smtp(room.port))
    assert (refused.code, refused.error) == (
        65,
        "userctl: recipient_refused: the mail server refuses this mail or its recipient for good (550 5.1.1)",
    )
    assert alone("mail", "test", "no-address", **smtp(room.port)).code == 65
    assert alone("mail", "test", "ada@example.com", **smtp(1)).code == 69
