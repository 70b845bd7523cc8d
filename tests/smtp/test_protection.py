"""TLS and logins: nothing is sent to a server that is not the right one."""

import ssl
from pathlib import Path

import pytest
from attrs import evolve

from tests.builders import SetClock
from tests.kafka.certificates import Authority
from tests.smtp.mailroom import LOGIN, mailroom
from usercore.adapters.smtp import open_smtp
from usercore.adapters.smtp.samples import NOW, sample
from usercore.delivery.values import Operation
from usercore.kernel.errors import UnavailableError
from usercore.kernel.secret import Secret
from usercore.settings import Mailbox, SettingsError, SmtpSecurity, SmtpSettings

USER, PASSWORD = LOGIN
WELCOME = sample(Operation.SEND_WELCOME)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    Authority.named("the right one").write(folder, {"server": "127.0.0.1"})
    return folder


@pytest.fixture
def server_tls(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


def settings(port: int, security: SmtpSecurity, ca_file: Path | None, password: str | None = None) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1",
        port=port,
        security=security,
        ca_file=ca_file,
        username=None if password is None else USER,
        password=None if password is None else Secret(password),
        helo_name="users.test",
        sender=Mailbox("users@shop.example"),
        timeout_s=5,
    )


async def test_starttls_and_a_login_come_before_the_mail(folder: Path, server_tls: ssl.SSLContext) -> None:
    async with mailroom(starttls=server_tls, options={"auth_required": True}) as room:
        right = settings(room.port, SmtpSecurity.STARTTLS, folder / "ca.pem", PASSWORD)
        async with open_smtp(right, SetClock(NOW)) as notifications:
            await notifications.notify(WELCOME)

    [mail] = room.mails
    assert mail.encrypted
    assert room.logins == [USER]


async def test_tls_from_the_first_byte_on(folder: Path, server_tls: ssl.SSLContext) -> None:
    async with mailroom(tls=server_tls) as room:
        right = settings(room.port, SmtpSecurity.TLS, folder / "ca.pem")
        async with open_smtp(right, SetClock(NOW)) as notifications:
            await notifications.notify(WELCOME)

    assert len(room.mails) == 1


@pytest.mark.parametrize("security", [SmtpSecurity.TLS, SmtpSecurity.STARTTLS])
async def test_a_certificate_that_we_do_not_trust_is_said_to_be_one(
    server_tls: ssl.SSLContext, security: SmtpSecurity
) -> None:
    at_once = security is SmtpSecurity.TLS
    opened = mailroom(tls=server_tls if at_once else None, starttls=None if at_once else server_tls)
    async with opened as room, open_smtp(settings(room.port, security, None), SetClock(NOW)) as notifications:
        with pytest.raises(UnavailableError, match="the certificate of the mail server is not one that we trust"):
            await notifications.notify(WELCOME)

    assert room.mails == []


async def test_a_server_without_starttls_gets_no_mail_in_the_clear() -> None:
    async with mailroom() as room:
        wanting = settings(room.port, SmtpSecurity.STARTTLS, None)
        async with open_smtp(wanting, SetClock(NOW)) as notifications:
            with pytest.raises(UnavailableError, match="does not offer what the settings ask for"):
                await notifications.notify(WELCOME)

    assert room.mails == []


async def test_a_wrong_password_is_said_to_be_one_and_not_repeated(folder: Path, server_tls: ssl.SSLContext) -> None:
    async with mailroom(starttls=server_tls, options={"auth_required": True}) as room:
        wrong = settings(room.port, SmtpSecurity.STARTTLS, folder / "ca.pem", "open sesame")
        async with open_smtp(wrong, SetClock(NOW)) as notifications:
            with pytest.raises(UnavailableError, match=r"does not let us in.*\(535 5\.7\.8\)") as raised:
                await notifications.notify(WELCOME)

    assert "sesame" not in str(raised.value) + repr(wrong)
    assert room.mails == []


async def test_a_file_of_certificates_that_is_none_is_named_at_the_start(tmp_path: Path) -> None:
    absent = settings(25, SmtpSecurity.TLS, tmp_path / "absent.pem")
    with pytest.raises(SettingsError, match="USER_SERVICE_SMTP_CA_FILE: the file of certificates cannot be used"):
        async with open_smtp(absent, SetClock(NOW)):
            pass


async def test_a_sender_that_is_no_address_is_named_at_the_start() -> None:
    odd = evolve(settings(25, SmtpSecurity.NONE, None), sender=Mailbox("a@-.example"))
    with pytest.raises(SettingsError, match="USER_SERVICE_SMTP_FROM: the address cannot be used"):
        async with open_smtp(odd, SetClock(NOW)):
            pass
