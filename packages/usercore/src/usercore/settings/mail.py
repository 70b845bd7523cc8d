"""Mail: the server that takes it, who writes, and where its links lead."""

import re
from collections.abc import Callable
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from attrs import frozen

from usercore.kernel.secret import Secret
from usercore.settings.loading import Problem, SettingsError, setting
from usercore.settings.parsers import one_of, path, seconds, secret, text, url, whole_number

_ADDRESS = r"[\x21\x23-\x27\x2a\x2b\x2d./0-9=?A-Z^_`a-z{|}~]+@[^\s\x00-\x20\x7f()<>\[\]\\,;:\"@]+"
_MAILBOX = re.compile(rf"(?P<alone>{_ADDRESS})|(?P<name>[^<>\x00-\x1f\x7f-\x9f\u2028\u2029]*)<(?P<address>{_ADDRESS})>")
_HOST_NAME = re.compile(r"[A-Za-z0-9.\-_:\[\]]{1,255}", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


# Source: RFC 6409, 3.1 (submission), RFC 8314, 3.3 (submissions) and RFC 5321, 4.5.4.2 (relay).
_PORTS: Final = {SmtpSecurity.STARTTLS: 587, SmtpSecurity.TLS: 465, SmtpSecurity.NONE: 25}


@frozen
class Mailbox:
    """An address with the name that is shown for it.

    Args:
        address: where.
        name: what people see; empty for the address alone.
    """

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the at sign."""
        return self.address.rpartition("@")[2]

    def __str__(self) -> str:
        """Return it as it is written in a setting."""
        return f"{self.name} <{self.address}>" if self.name else self.address


def mailbox(raw: str) -> Mailbox:
    """Return an address, with or without a name before it."""
    found = _MAILBOX.fullmatch(raw.strip())
    if found is None:
        message = "write an address, as in users@example.com or Example Shop <users@example.com>"
        raise ValueError(message)
    if found["alone"]:
        return Mailbox(found["alone"])
    return Mailbox(found["address"], found["name"].strip().strip('"').strip())


def link(*placeholders: str) -> Callable[[str], str]:
    """Return a parser for a web address in which some ``{placeholders}`` may stand."""
    shown = ", ".join(f"{{{name}}}" for name in placeholders)

    def parse(raw: str) -> str:
        if not set(_PLACEHOLDER.findall(raw)) <= set(placeholders):
            message = f"write no other placeholders than {shown}" if placeholders else "write no placeholders"
            raise ValueError(message)
        return url("https", "http")(raw)

    return parse


def host_name(raw: str) -> str:
    """Return the name or address of a machine."""
    if not _HOST_NAME.fullmatch(raw.strip()):
        message = "write the name of a machine, as in mail.example.com"
        raise ValueError(message)
    return raw.strip()


def locale(raw: str) -> str:
    """Return a language tag."""
    if not _LOCALE.fullmatch(raw.strip()):
        message = "write a language tag, as in en or de-CH"
        raise ValueError(message)
    return raw.strip()


@frozen
class SmtpSettings:
    """Mail that this service sends itself, by SMTP."""

    host: str | None = setting(
        "USER_SERVICE_SMTP_HOST",
        host_name,
        "The server that takes our mail. Needed where mail goes by SMTP.",
        default=None,
    )
    port: int | None = setting(
        "USER_SERVICE_SMTP_PORT",
        whole_number(1, 65535),
        "Its port; without it 587, with `tls` 465, with `none` 25.",
        default=None,
    )
    security: SmtpSecurity = setting(
        "USER_SERVICE_SMTP_SECURITY",
        one_of(SmtpSecurity),
        "`starttls`, `tls` from the first byte on, or `none`. The server's certificate is always checked.",
        default=SmtpSecurity.STARTTLS,
    )
    ca_file: Path | None = setting(
        "USER_SERVICE_SMTP_CA_FILE",
        path,
        "Certificates, in PEM, of who may sign that of the server. Without it the system's are used.",
        default=None,
    )
    username: str | None = setting(
        "USER_SERVICE_SMTP_USERNAME", text, "Who we are to the server, where it wants to know.", default=None
    )
    password: Secret | None = setting(
        "USER_SERVICE_SMTP_PASSWORD", secret, "The password that goes with it.", default=None, secret=True
    )
    timeout_s: float = setting(
        "USER_SERVICE_SMTP_TIMEOUT_S",
        seconds(1, 18),
        "How long the server may take to accept one mail, connecting included.",
        default=15.0,
    )
    connections: int = setting(
        "USER_SERVICE_SMTP_CONNECTIONS", whole_number(1, 50), "The most connections of one process.", default=8
    )
    idle_s: float = setting(
        "USER_SERVICE_SMTP_IDLE_S",
        seconds(0, 300),
        "How long a connection is kept for the next mail.",
        default=30.0,
    )
    helo_name: str | None = setting(
        "USER_SERVICE_SMTP_HELO_NAME",
        host_name,
        "The name by which we greet the server; without it that of the machine.",
        default=None,
    )
    sender: Mailbox | None = setting(
        "USER_SERVICE_SMTP_FROM",
        mailbox,
        "Who writes: `Example Shop <users@example.com>`. Needed where mail goes by SMTP.",
        default=None,
    )
    reply_to: Mailbox | None = setting(
        "USER_SERVICE_SMTP_REPLY_TO", mailbox, "Who gets answers; without it who writes.", default=None
    )
    bounces_to: Mailbox | None = setting(
        "USER_SERVICE_SMTP_BOUNCES_TO",
        mailbox,
        "Who hears of mail that could not be delivered; without it who writes.",
        default=None,
    )
    company: str | None = setting(
        "USER_SERVICE_SMTP_COMPANY",
        text,
        "What we are called in mail; without it the name in `USER_SERVICE_SMTP_FROM`, or its domain.",
        default=None,
    )
    imprint: str | None = setting(
        "USER_SERVICE_SMTP_IMPRINT",
        text,
        "What stands below every mail: the company's legal name and postal address, for example.",
        default=None,
    )
    locale: str = setting(
        "USER_SERVICE_SMTP_LOCALE", locale, "The language of mail to users who have none.", default="en"
    )
    templates: Path | None = setting(
        "USER_SERVICE_SMTP_TEMPLATES",
        path,
        "A folder with templates that take the place of ours, or add languages: `de/welcome.txt`.",
        default=None,
    )
    home_url: str | None = setting(
        "USER_SERVICE_SMTP_HOME_URL", link(), "Where users sign in; mail links to it.", default=None
    )
    invitation_url: str | None = setting(
        "USER_SERVICE_SMTP_INVITATION_URL",
        link("userId", "token"),
        "Where an invited user sets a password; `{userId}` is replaced, and `{token}`, which proves the email. Without "
        "it `USER_SERVICE_SMTP_HOME_URL`.",
        default=None,
    )
    verification_url: str | None = setting(
        "USER_SERVICE_SMTP_VERIFICATION_URL",
        link("userId", "verificationId", "code", "token"),
        "The page that confirms an email; `{token}` is replaced, and `{userId}`, and `{verificationId}` and `{code}`, "
        "which the first mail to a new user does not have. Without it, mail shows the code alone.",
        default=None,
    )
    privacy_url: str | None = setting(
        "USER_SERVICE_SMTP_PRIVACY_URL",
        link("userId", "requestId"),
        "Where users see their privacy requests; `{userId}` and `{requestId}` are replaced.",
        default=None,
    )

    def __attrs_post_init__(self) -> None:
        """Refuse half a login, and a password that anybody on the way could read."""
        found = []
        if (self.username is None) != (self.password is None):
            found.append(Problem("USER_SERVICE_SMTP_PASSWORD", "a user name and its password come together"))
        if self.password is not None and self.security is SmtpSecurity.NONE and not _is_here(self.host):
            detail = "a password needs starttls or tls, or anybody on the way could read it"
            found.append(Problem("USER_SERVICE_SMTP_SECURITY", detail))
        if found:
            raise SettingsError(problems=tuple(found))

    @property
    def port_used(self) -> int:
        """The port, or the usual one."""
        return _PORTS[self.security] if self.port is None else self.port

    @property
    def company_shown(self) -> str:
        """What we are called in mail."""
        if self.company is not None:
            return self.company
        return "" if self.sender is None else self.sender.name or self.sender.domain

    def missing(self) -> tuple[Problem, ...]:
        """List what sending needs and is not set: the server and the sender."""
        needed = {"USER_SERVICE_SMTP_HOST": self.host, "USER_SERVICE_SMTP_FROM": self.sender}
        return tuple(Problem(name, "is needed to send mail") for name, value in needed.items() if value is None)


def _is_here(host: str | None) -> bool:
    if host is None or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
