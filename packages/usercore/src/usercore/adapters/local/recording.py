"""Writes down what the services around us would be told, instead of telling them."""

import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import define, field

from usercore.delivery.credentials import CredentialDirectory, CredentialState
from usercore.delivery.errors import CredentialsUnknownError
from usercore.delivery.ports import AuditService, AuthenticationService, NotificationService
from usercore.delivery.values import Delivery, Recipient
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page

KEPT: Final = 1_000
"""How many calls are remembered in memory."""
_OWNER_ALONE: Final = 0o600


@define(eq=False)
class RecordingServices:
    """Stands in for the Authentication, Notification and Audit services.

    The last :data:`KEPT` calls are remembered; a call that is among them already has no further effect.

    Args:
        path: a file that takes one JSON line per call, with hashes masked; only its owner may read
            it, for it holds names and addresses. None writes no file.
    """

    path: Path | None = None
    _calls: deque[Delivery] = field(factory=lambda: deque(maxlen=KEPT), init=False, repr=False)
    _known: set[tuple[EventId, Recipient]] = field(factory=set, init=False, repr=False)

    @property
    def calls(self) -> tuple[Delivery, ...]:
        """The calls remembered, the oldest first."""
        return tuple(self._calls)

    async def credential(self, delivery: Delivery) -> None:
        """Write down what the AuthenticationService would be asked.

        Raises:
            UnavailableError: the file cannot be written.
        """
        await self._take(delivery)

    async def states(self, ids: Sequence[UserId]) -> Mapping[UserId, CredentialState]:  # noqa: ARG002
        """Refuse to say what credentials there are.

        Raises:
            CredentialsUnknownError: always.
        """
        raise CredentialsUnknownError

    async def page(self, *, after: str | None, limit: int) -> Page[CredentialState]:  # noqa: ARG002
        """Refuse likewise."""
        raise CredentialsUnknownError

    async def notify(self, delivery: Delivery) -> None:
        """Write down what the NotificationService would be asked.

        Raises:
            UnavailableError: the file cannot be written.
        """
        await self._take(delivery)

    async def record(self, delivery: Delivery) -> None:
        """Write down what the AuditService would be asked.

        Raises:
            UnavailableError: the file cannot be written.
        """
        await self._take(delivery)

    async def _take(self, delivery: Delivery) -> None:
        name = (delivery.event_id, delivery.recipient)
        if name in self._known:
            return
        if self.path is not None:
            _append(self.path, _line(delivery))  # one short line: a thread for it would cost several times as much
        if len(self._calls) == KEPT:
            self._known.discard((self._calls[0].event_id, self._calls[0].recipient))
        self._calls.append(delivery)
        self._known.add(name)


def _line(delivery: Delivery) -> bytes:
    secret = delivery.secret
    fields = {
        "recipient": delivery.recipient.value,
        "operation": delivery.operation.value,
        "userId": delivery.user_id,
        "eventId": delivery.event_id,
        "createdAt": delivery.created_at.isoformat(),
        "attempts": delivery.attempts,
        "payload": delivery.payload,
        "secret": None if secret is None else f"hidden, {len(secret)} characters",
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _append(path: Path, line: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _OWNER_ALONE)
        with os.fdopen(handle, "ab", buffering=0) as file:
            os.fchmod(handle, _OWNER_ALONE)  # a file that was there may be open to others
            file.write(line)
    except OSError as error:
        raise UnavailableError("the file of recorded calls cannot be written") from error


if TYPE_CHECKING:
    _authentication: AuthenticationService = RecordingServices()
    _notification: NotificationService = RecordingServices()
    _audit: AuditService = RecordingServices()
    _credentials: CredentialDirectory = RecordingServices()
