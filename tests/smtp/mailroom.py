"""A real SMTP server on this machine, that keeps what it is given and answers as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field, frozen

LOGIN = ("mailer", "correct horse battery")


@frozen
class Accepted:
    """One mail as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        """The text of the part of this kind: plain or html."""
        body = self.message.get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text.replace("\r\n", "\n")


@define
class Mailroom:
    """What a server has seen, and what it is to answer next.

    Args:
        answers: by command, one for each time it comes; without one the server is content.
        held: holds back the answer to a mail that was accepted.
    """

    mails: list[Accepted] = field(factory=list)
    answers: dict[str, list[str]] = field(factory=dict)
    commands: list[str] = field(factory=list)
    connections: list[asyncio.Transport] = field(factory=list)
    logins: list[str] = field(factory=list)
    held: asyncio.Event | None = None
    port: int = 0

    def answer(self, command: str, *lines: str) -> None:
        self.answers[command] = list(lines)

    def _next(self, command: str) -> str | None:
        self.commands.append(command)
        waiting = self.answers.get(command)
        return waiting.pop(0) if waiting else None

    def hang_up(self) -> None:
        """Cut every connection."""
        for transport in self.connections:
            if not transport.is_closing():  # TLS of Python 3.11.2 cannot be aborted after it was closed twice
                transport.abort()

    async def handle_MAIL(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (refusal := self._next("MAIL")) is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if (refusal := self._next("RCPT")) is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_RSET(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return self._next("RSET") or "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self.commands.append("QUIT")
        return "221 Bye"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if (refusal := self._next("DATA")) is not None:
            return refusal
        assert isinstance(envelope.content, bytes)
        self.mails.append(
            Accepted(
                str(envelope.mail_from), tuple(envelope.rcpt_tos), envelope.content, encrypted=session.ssl is not None
            )
        )
        if self.held is not None:
            await self.held.wait()
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given[0])
        return AuthResult(success=given == LOGIN, handled=False)


class _Protocol(SMTP):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        handler = self.event_handler
        if transport not in handler.connections:
            handler.connections.append(transport)


@asynccontextmanager
async def mailroom(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    options: Mapping[str, Any] | None = None,
    port: int = 0,
) -> AsyncIterator[Mailroom]:
    """Run a server, on a port of its own unless one is given."""
    room = Mailroom()

    def protocol() -> SMTP:
        return _Protocol(
            room,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=room.authenticate,
            auth_exclude_mechanism=["CRAM-MD5"],
            loop=asyncio.get_running_loop(),
            **(options or {}),
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, ssl=tls)
    room.port = server.sockets[0].getsockname()[1]
    try:
        yield room
    finally:
        room.hang_up()
        server.close()
        await server.wait_closed()
