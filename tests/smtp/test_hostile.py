"""What strangers write into their names, and what other services put into payloads, harms no mail."""

import json
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.utils import parseaddr
from typing import Any

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import SetClock
from tests.smtp.mailroom import Accepted, Mailroom
from usercore.adapters.smtp import SmtpNotifications, open_smtp
from usercore.adapters.smtp.composing import Envelope, Stationery
from usercore.adapters.smtp.errors import ChannelUnsupportedError, LetterExpiredError, LetterInvalidError
from usercore.adapters.smtp.letters import LETTERS, Unsubscribing, content_of
from usercore.adapters.smtp.rendering import Letter, Templates, Words
from usercore.adapters.smtp.samples import NOW, sample
from usercore.adapters.smtp.service import checked_templates
from usercore.adapters.smtp.texts import name_shown, one_line
from usercore.delivery.errors import RecipientRefusedError
from usercore.delivery.values import Delivery, Operation
from usercore.kernel.secret import Secret
from usercore.settings import Mailbox, SmtpSettings

SETTINGS = SmtpSettings(sender=Mailbox("users@shop.example", "Example Shop"), home_url="https://shop.example/")
OURS = Templates(None)
STATIONERY = Stationery(Mailbox("users@shop.example", "Example Shop"))
RLO, LRE, FSI = "\u202e", "\u202a", "\u2068"
NASTY = st.text(st.characters(codec="utf-8"), max_size=200) | st.text(
    st.sampled_from(f'\r\n\0 \x0b\x1e\x85\u2028{RLO}{FSI}<>"\\,;:=?@()áß漢🙂\u0627\u200f'), max_size=80
)


def composed(delivery: Delivery, settings: SmtpSettings = SETTINGS, stationery: Stationery = STATIONERY) -> Envelope:
    content = content_of(delivery, settings, NOW)
    letter = OURS.render(content.name, content.locale, content.words)
    return stationery.envelope(letter, content.recipient, key="key", now=NOW, unsubscribing=content.unsubscribing)


def names_of_headers(envelope: Envelope) -> list[str]:
    head = envelope.content.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = head.split("\r\n")
    assert not re.search(r"[^\r]\n|\r[^\n]", head + "  ")
    assert all(len(line) < 998 for line in lines)
    return [line.partition(":")[0] for line in lines if not line.startswith((" ", "\t"))]


def unfolded(envelope: Envelope, name: str) -> str:
    value: str = message_from_bytes(envelope.content, policy=policy.compat32)[name]
    return re.sub(r"\r?\n", "", value)


def shown(value: str) -> str:
    """Return a header as mail programs show it, by the standard library's older parser: the other one has bugs."""
    return str(make_header(decode_header(value)))


PLAIN = names_of_headers(composed(sample(Operation.SEND_WELCOME)))


@given(NASTY)
def test_no_name_adds_or_breaks_a_header(name: str) -> None:
    for operation in (Operation.SEND_WELCOME, Operation.SEND_PAYMENT_FAILED):
        assert names_of_headers(composed(sample(operation, firstName=name, orderId=name or "x"))) == PLAIN


@given(NASTY, NASTY)
def test_no_name_of_ours_adds_or_breaks_a_header(company: str, shown: str) -> None:
    settings = evolve(SETTINGS, company=company or "x")
    stationery = evolve(STATIONERY, sender=Mailbox("users@shop.example", shown), reply_to=Mailbox("a@b.example", shown))
    envelope = composed(sample(Operation.SEND_WELCOME), settings, stationery)

    assert sorted(names_of_headers(envelope)) == sorted([*PLAIN, "Reply-To"])
    message = message_from_bytes(envelope.content, policy=policy.default)
    sender = message["From"]
    assert isinstance(sender, AddressHeader)
    assert [address.addr_spec for address in sender.addresses] == ["users@shop.example"]


@given(NASTY)
def test_a_subject_arrives_as_it_was_written_on_one_line(raw: str) -> None:
    envelope = STATIONERY.envelope(Letter(raw, "text\n", None, "en"), "a@b.example", key="key", now=NOW)

    assert names_of_headers(envelope).count("Subject") == 1
    assert shown(unfolded(envelope, "Subject")) == one_line(raw)


async def test_a_name_with_line_breaks_arrives_as_one_line_and_nobody_else_is_written_to(
    room: Mailroom, notifications: SmtpNotifications
) -> None:
    order = "7\r\nBcc: victim@example.com\r\n\r\nBuy now"
    await notifications.notify(sample(Operation.SEND_PAYMENT_FAILED, firstName="Ada\r\nLovelace", orderId=order))

    [mail] = room.mails
    assert mail.recipients == ("grace@example.com",)
    assert mail.message["Bcc"] is None
    assert str(mail.message["Subject"]) == "Payment for order 7 Bcc: victim@example.com Buy now did not succeed"
    assert mail.part("plain").startswith("Hello Ada Lovelace,\n")


@pytest.mark.parametrize(
    "name",
    [
        "Åsa",
        "Jean-Luc",
        "O\u2019Neil",
        "J. R.",
        "Łukasz",
        "محمد",
        "\u200fשרה",
        "李小龍",
        "Ngô Thị",
        "X Æ A-12",
        "St. John",
    ],
)
def test_names_of_people_are_shown_as_they_are(name: str) -> None:
    assert name_shown(name) == name
    assert f"Hello {name}," in OURS.render("welcome", "en", Words(first_name=name)).text


@pytest.mark.parametrize(
    "name",
    [
        "Win https://evil.example",
        "evil.example",
        "call me@evil.example",
        "www.evil",
        "//evil",
        "a\\b",
        "You have won a prize of one million, please call now",
    ],
)
def test_a_name_that_advertises_is_left_out(name: str) -> None:
    assert name_shown(name) == ""
    assert composed(sample(Operation.SEND_WELCOME, firstName=name)).content.count(b"evil") == 0


def test_a_name_turns_no_text_around() -> None:
    assert name_shown(f"{RLO}adA{LRE}{FSI}") == "adA"


def test_html_holds_names_as_text() -> None:
    words = Words(company='<b>"Shop"</b>', first_name="<script>alert(1)</script>", order_id="'><img src=x>")
    html = OURS.render("payment_failed", "en", words).html

    assert html is not None
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>" not in html


def test_a_long_unsubscribe_address_is_written_on_one_line_and_not_encoded() -> None:
    address = f"https://users.example.com/v1/unsubscribe/{'a1B2-_' * 60}"
    value = f"<mailto:off@example.com?subject=off>, <{address}>"
    envelope = composed(sample(Operation.SEND_INACTIVITY_NOTICE, listUnsubscribe=value))

    assert f"\r\nList-Unsubscribe: {value}\r\n".encode() in envelope.content
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in envelope.content
    mail = Accepted(envelope.sender, (envelope.recipient,), envelope.content, encrypted=False)
    assert f"To receive no more of this kind: {address}\n" in mail.part("plain")


def test_one_click_is_promised_for_https_alone() -> None:
    assert Unsubscribing(("https://a.example/",)).one_click
    assert not Unsubscribing(("http://a.example/", "mailto:a@b.example")).one_click
    for value in ("<mailto:off@example.com>", "<http://a.example/u>"):
        assert b"List-Unsubscribe-Post" not in composed(sample(Operation.SEND_WELCOME, listUnsubscribe=value)).content
    assert b"List-Unsubscribe" not in composed(sample(Operation.SEND_WELCOME)).content


@pytest.mark.parametrize(
    ("operation", "members", "detail"),
    [
        (Operation.SEND_WELCOME, {"email": None}, "email: write an address that SMTP takes"),
        (Operation.SEND_WELCOME, {"email": "a b@example.com"}, "email: write an address that SMTP takes"),
        (Operation.SEND_WELCOME, {"email": "a@b.example>\r\nRCPT TO:<c@d.example"}, "email: write an address"),
        (Operation.SEND_WELCOME, {"email": "grüße@example.com"}, "email: write an address that SMTP takes"),
        (Operation.SEND_WELCOME, {"email": ["a@b.example"]}, "email: write text"),
        (Operation.SEND_WELCOME, {"firstName": 7}, "firstName: write text"),
        (Operation.SEND_WELCOME, {"url": "javascript:alert(1)"}, "url: write a web address"),
        (Operation.SEND_WELCOME, {"url": 'https://a.example/" onclick="x'}, "url: write a web address"),
        (Operation.SEND_WELCOME, {"listUnsubscribe": "<https://a.example/ b>"}, "listUnsubscribe: write addresses"),
        (Operation.SEND_WELCOME, {"listUnsubscribe": "off@example.com"}, "listUnsubscribe: write addresses"),
        (Operation.SEND_PAYMENT_FAILED, {"amount": "12 EUR"}, "amount: write value and currency"),
        (Operation.SEND_PAYMENT_FAILED, {"amount": {"value": "1"}}, "amount: write value and currency"),
        (Operation.SEND_VERIFICATION, {"expiresAt": "2026-11-24T12:00:00"}, "expiresAt: write a time with its zone"),
        (Operation.SEND_INACTIVITY_NOTICE, {"deactivatesAt": "soon"}, "deactivatesAt: write a time with its zone"),
        (Operation.RECORD_ENTRY, {}, "no mail does what RECORD_ENTRY asks for"),
    ],
)
def test_what_cannot_be_used_is_named_and_not_repeated(
    operation: Operation, members: dict[str, Any], detail: str
) -> None:
    with pytest.raises(LetterInvalidError) as raised:
        composed(sample(operation, **members))
    assert str(raised.value).startswith(detail)


async def test_a_telephone_is_refused_with_a_code_of_its_own(room: Mailroom, notifications: SmtpNotifications) -> None:
    with pytest.raises(ChannelUnsupportedError) as raised:
        await notifications.notify(sample(Operation.SEND_VERIFICATION, channel="phone", phone="+4922112345"))

    assert isinstance(raised.value, RecipientRefusedError)
    assert raised.value.cause == "notification_channel_unsupported"
    assert "connect a NotificationService over HTTP" in str(raised.value)
    assert room.connections == []


async def test_a_code_that_has_run_out_is_not_sent(settings: SmtpSettings, room: Mailroom) -> None:
    clock = SetClock(NOW)
    async with open_smtp(settings, clock) as notifications:
        clock.advance(minutes=15)
        with pytest.raises(LetterExpiredError):
            await notifications.notify(sample(Operation.SEND_VERIFICATION))
    assert room.mails == []


def test_a_secret_reaches_a_link_quoted_and_no_other_place() -> None:
    settings = evolve(SETTINGS, verification_url="https://shop.example/verify?code={code}#{token}")
    secret = Secret(json.dumps({"token": "tok/en+" * 6}))
    delivery = evolve(sample(Operation.SEND_VERIFICATION), secret=secret)

    with pytest.raises(LetterInvalidError, match="USER_SERVICE_SMTP_VERIFICATION_URL") as raised:
        content_of(delivery, settings, NOW)
    assert "tok" not in str(raised.value)
    settings = evolve(SETTINGS, verification_url="https://shop.example/verify#{token}")
    words = content_of(delivery, settings, NOW).words
    assert (words.code, words.link) == (None, "https://shop.example/verify#" + "tok%2Fen%2B" * 6)


def test_a_template_that_fails_on_somebodys_words_repeats_none_of_them(tmp_path: Any) -> None:
    (tmp_path / "en").mkdir()
    source = "Subject: Hi\n\n{% if first_name == 'Canary' %}{{ {}[first_name].x }}{% endif %}Text\n"
    (tmp_path / "en" / "welcome.txt").write_text(source, encoding="utf-8")
    templates = checked_templates(evolve(SETTINGS, templates=tmp_path))

    with pytest.raises(RecipientRefusedError) as raised:
        templates.render("welcome", "en", Words(first_name="Canary"))
    assert str(raised.value) == "en/welcome.txt, line 3: UndefinedError"


@given(
    st.sampled_from(sorted(LETTERS)), st.dictionaries(st.sampled_from(["email", "firstName", "locale", "url"]), NASTY)
)
def test_whatever_a_payload_holds_a_mail_is_made_or_refused(operation: Operation, members: dict[str, str]) -> None:
    try:
        envelope = composed(sample(operation, **members))
    except RecipientRefusedError:
        return
    assert [name for name in names_of_headers(envelope) if not name.startswith("List-")] == PLAIN


@given(NASTY)
@example('Müller, "Söhne" <x@y.z> (Köln); & Co \u2013 mit einem Namen, der über eine Zeile hinausgeht')
@example("=?utf-8?q?Else?=")
def test_a_sender_with_an_odd_name_is_read_back_as_it_was(raw: str) -> None:
    envelope = evolve(STATIONERY, sender=Mailbox("users@shop.example", raw)).envelope(
        Letter("s", "t\n", None, "en"), "a@b.example", key="key", now=NOW
    )
    name, address = parseaddr(unfolded(envelope, "From"))
    assert (shown(name), address) == (one_line(raw), "users@shop.example")
