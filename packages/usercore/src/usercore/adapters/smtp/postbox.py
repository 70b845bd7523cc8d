"""Connections to the mail server: a few, kept for the next mail."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from attrs import define, field

from usercore.adapters.smtp.composing import Envelope
from usercore.adapters.smtp.replies import translated
from usercore.delivery.deliver_pending import CALL_LIMIT
from usercore.delivery.errors import RecipientUnavailableError
from usercore.settings import Problem, SettingsError, SmtpSecurity, SmtpSettings

MOST_MAILS: Final = 100
"""Sent over one connection: servers end longer ones. Source: Postfix `smtp_connection_reuse_count_limit` and the
limits that large providers publish are of this size."""

_ANSWERED: Final = (SMTPResponseException, SMTPRecipientsRefused)
_BROKEN: Final = (SMTPException, OSError)


@define(eq=False)
class _Link:
    client: SMTP
    mails: int = 0
    expiry: asyncio.TimerHandle | None = None


@define(eq=False)
class Postbox:
    """Takes mail to the server. Any number of tasks may use it at once.

    Args:
        settings: where the server is, and how it is spoken to.
        tls: checks the server's certificate; None without TLS.
    """

    settings: SmtpSettings
    tls: ssl.SSLContext | None
    _slots: asyncio.Semaphore = field(init=False)
    _idle: list[_Link] = field(factory=list, init=False)
    _leaving: set["asyncio.Task[None]"] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        """Allow as many connections as the settings say."""
        self._slots = asyncio.Semaphore(self.settings.connections)

    async def send(self, envelope: Envelope) -> None:
        """Return once the server has accepted a mail.

        Raises:
            RecipientRefusedError: the server takes no mail to this recipient, or not this mail, for good.
            RecipientUnavailableError: it does not answer, not in time or not now. It may yet have accepted the mail.
        """
        await self._turn()
        try:
            with translated():
                async with asyncio.timeout(self.settings.timeout_s):
                    await self._send(await self._taken(), envelope)
        finally:
            self._slots.release()

    async def _turn(self) -> None:
        """Wait for a free connection: no longer than leaves the time to send, or a mail would be cut off half-way."""
        try:
            async with asyncio.timeout(CALL_LIMIT.total_seconds() - self.settings.timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            detail = "all connections to the mail server are busy"
            raise RecipientUnavailableError(detail, cause="busy") from None

    async def _send(self, link: _Link, envelope: Envelope) -> None:
        link.mails += 1
        try:
            await link.client.sendmail(envelope.sender, [envelope.recipient], envelope.content)
        except _ANSWERED:
            self._keep(link)
            raise
        except BaseException:
            link.client.close()  # nobody knows what was said last: the next mail gets a connection of its own
            raise
        self._keep(link)

    async def _taken(self) -> _Link:
        """Return a connection on which the server answers."""
        while self._idle:
            link = self._idle.pop()
            if link.expiry is not None:
                link.expiry.cancel()
            try:
                # Asked before anything is sent: a server may have hung up meanwhile, and nothing is sent twice so.
                await link.client.rset()
            except _BROKEN:
                link.client.close()
            except BaseException:
                link.client.close()
                raise
            else:
                return link
        client = self._client()
        await client.connect()
        return _Link(client)

    def _client(self) -> SMTP:
        settings = self.settings
        return SMTP(
            hostname=(settings.host or "").strip("[]"),
            port=settings.port_used,
            username=settings.username,
            password=None if settings.password is None else settings.password.reveal(),
            local_hostname=settings.helo_name,
            timeout=settings.timeout_s,
            use_tls=settings.security is SmtpSecurity.TLS,
            start_tls=settings.security is SmtpSecurity.STARTTLS,
            tls_context=self.tls,
        )

    def _keep(self, link: _Link) -> None:
        if not link.client.is_connected:
            return
        if link.mails >= MOST_MAILS or self.settings.idle_s == 0:
            self._dismiss(link)
            return
        link.expiry = asyncio.get_running_loop().call_later(self.settings.idle_s, self._expire, link)
        self._idle.append(link)

    def _expire(self, link: _Link) -> None:
        self._idle.remove(link)
        self._dismiss(link)

    def _dismiss(self, link: _Link) -> None:
        task = asyncio.get_running_loop().create_task(_leave(link))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Take leave of the server on every connection."""
        while self._idle:
            link = self._idle.pop()
            if link.expiry is not None:
                link.expiry.cancel()
            self._dismiss(link)
        if self._leaving:
            await asyncio.wait(self._leaving)


async def _leave(link: _Link) -> None:
    with suppress(*_BROKEN):
        await link.client.quit(timeout=1)
    link.client.close()


@asynccontextmanager
async def open_postbox(settings: SmtpSettings) -> AsyncIterator[Postbox]:
    """Open a postbox, and close its connections at the end. It connects with the first mail.

    Raises:
        SettingsError: the file of certificates cannot be read.
    """
    postbox = Postbox(settings, _tls(settings))
    try:
        yield postbox
    finally:
        await postbox.close()


def _tls(settings: SmtpSettings) -> ssl.SSLContext | None:
    if settings.security is SmtpSecurity.NONE:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        detail = f"the file of certificates cannot be used: {error.strerror or type(error).__name__}"
        raise SettingsError(problems=(Problem("USER_SERVICE_SMTP_CA_FILE", detail),)) from None
