"""One command's access to the core: settings from the environment, an operator, open connections."""

import getpass
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from user_cli.failures import UsageError
from user_cli.output import clean
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.observe.logs import configure_logs
from usercore.settings import CoreSettings, MessagingSettings, load
from usercore.wiring.core import Core

if TYPE_CHECKING:
    from usercore.wiring.messaging import Messaging
    from usercore.wiring.replicas import Consistency
    from usercore.wiring.service import Service

__all__ = ["OPERATOR", "MessagingSession", "Session", "open_messaging_session", "open_session", "operator"]

OPERATOR: Final = "USERCTL_OPERATOR"
_OPERATOR_MAX_CHARS: Final = 64


@frozen
class Session:
    """The core, and who uses it because of what."""

    core: Core
    context: CommandContext
    consistency: "Consistency | None" = field(default=None, kw_only=True)

    def from_replicas(self) -> AbstractContextManager[object]:
        """Let replicas answer inside, where there are any that have come as far as the database is now."""
        return nullcontext() if self.consistency is None else self.consistency.reading_now()


@frozen
class MessagingSession(Session):
    """The same, with what speaks Kafka."""

    messaging: "Messaging"
    settings: MessagingSettings


@asynccontextmanager
async def open_session(environ: Mapping[str, str] = os.environ) -> AsyncIterator[Session]:
    """Open the core on the settings of the environment, and close it at the end.

    Raises:
        SettingsError: variables are missing or wrong.
        UsageError: nobody knows who the operator is.
    """
    async with _open_service(load(CoreSettings, environ)) as service:
        yield Session(service.core, _context(environ), consistency=service.consistency)


@asynccontextmanager
async def open_messaging_session(environ: Mapping[str, str] = os.environ) -> AsyncIterator[MessagingSession]:
    """Open the core and what speaks Kafka, and close both at the end.

    Raises:
        SettingsError: variables are missing or wrong.
        UsageError: nobody knows who the operator is.
    """
    from usercore.wiring.messaging import open_messaging  # noqa: PLC0415 - as below

    settings = load(MessagingSettings, environ)
    async with (
        _open_service(load(CoreSettings, environ)) as service,
        open_messaging(settings, service) as messaging,
    ):
        yield MessagingSession(service.core, _context(environ), messaging, settings)


def _context(environ: Mapping[str, str]) -> CommandContext:
    return CommandContext(operator(environ), correlation_id=f"userctl-{uuid.uuid4()}")


@asynccontextmanager
async def _open_service(settings: CoreSettings) -> "AsyncIterator[Service]":
    # The database's driver takes long to import: `--help` and slips of the keyboard do not wait for it.
    from usercore.wiring.service import open_core  # noqa: PLC0415

    configure_logs(settings.telemetry)
    async with open_core(settings) as service:
        try:
            yield service
        except UnavailableError as error:
            raise await _explained(error, settings) from error


async def _explained(error: UnavailableError, settings: CoreSettings) -> UnavailableError:
    """Return the error, or a better one where the tables alone are what is missing."""
    from usercore.wiring import migrations  # noqa: PLC0415 - as above

    try:
        status = await migrations.status(settings.database)
    except UserCoreError:
        return error
    return UnavailableError("the tables are not up to date: userctl db upgrade") if status.is_behind else error


def operator(environ: Mapping[str, str] = os.environ) -> Actor:
    """Return who is at the keyboard: ``USERCTL_OPERATOR``, else the login name.

    Raises:
        UsageError: there is neither, or the name is no short line of text.
    """
    try:
        name = environ.get(OPERATOR) or getpass.getuser()
    except (OSError, KeyError):
        name = ""
    if not name.strip() or name != clean(name) or len(name) > _OPERATOR_MAX_CHARS:
        raise UsageError(f"{OPERATOR}: name yourself in at most {_OPERATOR_MAX_CHARS} characters")
    return Actor(ActorKind.OPERATOR, name.strip())
