"""Settings of mail: addresses, links, and logins that nobody can overhear."""

import pytest

from usercore.settings import Mailbox, ServicesSettings, SettingsError, SmtpSecurity, SmtpSettings, load

NEEDED = {"USER_SERVICE_SMTP_HOST": "mail.example.com", "USER_SERVICE_SMTP_FROM": "users@example.com"}
LOGIN = {"USER_SERVICE_SMTP_USERNAME": "users", "USER_SERVICE_SMTP_PASSWORD": "open sesame"}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("users@example.com", Mailbox("users@example.com")),
        ("<users@example.com>", Mailbox("users@example.com")),
        ("Example Shop <users@example.com>", Mailbox("users@example.com", "Example Shop")),
        ('"Müller, Söhne" <users@müller.example>', Mailbox("users@müller.example", "Müller, Söhne")),
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(raw: str, read: Mailbox) -> None:
    assert load(SmtpSettings, {"USER_SERVICE_SMTP_FROM": raw}).sender == read


@pytest.mark.parametrize(
    "raw",
    [
        "users",
        "a@b@c",
        "users@",
        "@example.com",
        "a b@example.com",
        "A\r\nBcc: x@y.z <a@b.c>",
        "A <a@b.c> b",
        "a@b.c,d@e.f",
    ],
)
def test_what_is_no_one_address_is_refused(raw: str) -> None:
    with pytest.raises(SettingsError, match="USER_SERVICE_SMTP_FROM: write an address"):
        load(SmtpSettings, {"USER_SERVICE_SMTP_FROM": raw})


def test_the_usual_port_follows_from_the_protection() -> None:
    ports = {security: SmtpSettings(security=security).port_used for security in SmtpSecurity}
    assert ports == {SmtpSecurity.STARTTLS: 587, SmtpSecurity.TLS: 465, SmtpSecurity.NONE: 25}
    assert SmtpSettings(port=2525).port_used == 2525


def test_we_are_called_by_the_companys_name_or_what_is_nearest_to_it() -> None:
    box = Mailbox("users@shop.example", "Example Shop")
    assert SmtpSettings(sender=box, company="Example Ltd").company_shown == "Example Ltd"
    assert SmtpSettings(sender=box).company_shown == "Example Shop"
    assert SmtpSettings(sender=Mailbox(box.address)).company_shown == "shop.example"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"USER_SERVICE_SMTP_USERNAME": "users"}, "USER_SERVICE_SMTP_PASSWORD: a user name and its password"),
        ({**NEEDED, **LOGIN, "USER_SERVICE_SMTP_SECURITY": "none"}, "USER_SERVICE_SMTP_SECURITY: a password needs"),
        (
            {"USER_SERVICE_SMTP_INVITATION_URL": "https://a.example/{email}"},
            "write no other placeholders than {userId}",
        ),
        ({"USER_SERVICE_SMTP_HOME_URL": "https://a.example/{userId}"}, "write no placeholders"),
        ({"USER_SERVICE_SMTP_HOME_URL": "javascript:alert(1)"}, "write a URL that begins with"),
        ({"USER_SERVICE_SMTP_HELO_NAME": "a b"}, "USER_SERVICE_SMTP_HELO_NAME: write the name of a machine"),
        ({"USER_SERVICE_SMTP_LOCALE": "de_CH"}, "USER_SERVICE_SMTP_LOCALE: write a language tag"),
    ],
)
def test_settings_that_cannot_be_used_are_named(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(SmtpSettings, environ)
    assert problem in str(raised.value)
    assert "sesame" not in str(raised.value)


def test_a_password_may_go_in_the_clear_to_this_machine_alone() -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        environ = {**LOGIN, "USER_SERVICE_SMTP_HOST": host, "USER_SERVICE_SMTP_SECURITY": "none"}
        assert load(SmtpSettings, environ).password is not None


def test_mail_by_smtp_needs_a_server_and_a_sender() -> None:
    chosen = {"USER_SERVICE_NOTIFICATION_ADAPTER": "smtp"}
    with pytest.raises(SettingsError) as raised:
        load(ServicesSettings, chosen)
    assert str(raised.value).splitlines() == [f"{name}: is needed to send mail" for name in NEEDED]
    assert load(ServicesSettings, chosen | NEEDED).smtp.host == "mail.example.com"
