"""The three services around a deployment, as real servers on loopback, and what may go wrong with them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

from tests.e2e.harness.copies import World
from tests.e2e.harness.rows import rows
from tests.services.fakes import TOKEN, FakeAudit, FakeAuthentication, FakeNotification, Service
from tests.services.server import Request, Response

TIMEOUT_S: Final = "0.5"


class Trouble(StrEnum):
    """What may be wrong with a service."""

    AWAY = "connections are refused"
    SLOW = "it does what it is told, and its answer comes too late"
    BROKEN = "it answers 500"


@frozen
class Neighbours:
    """The services; each keeps what it was told, and holds every request against its contract."""

    authentication: FakeAuthentication = field(factory=FakeAuthentication)
    notification: FakeNotification = field(factory=FakeNotification)
    audit: FakeAudit = field(factory=FakeAudit)

    @property
    def all(self) -> dict[str, Service]:
        """The services by the names that they have as recipients."""
        return {"AUTHENTICATION": self.authentication, "NOTIFICATION": self.notification, "AUDIT": self.audit}

    def settings(self) -> dict[str, str]:
        """Return the variables, without ``USER_SERVICE_``, of whoever is to tell these services."""
        found = {"DELIVERY_BREAKER_OPEN_S": "0.1"}
        for name, service in self.all.items():
            found |= {
                f"{name}_ADAPTER": "http",
                f"{name}_URL": service.web.url,
                f"{name}_TOKEN": TOKEN,
                f"{name}_TIMEOUT_S": TIMEOUT_S,
            }
        return found

    def requests(self) -> list[Request]:
        """Return all that came in anywhere, also what was not answered."""
        return [request for service in self.all.values() for request in service.web.requests]


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Run the three services."""
    with ExitStack() as stack:
        found = Neighbours()
        for service in found.all.values():
            service.web.start()
            stack.callback(service.web.stop)
        yield found


@contextmanager
def in_trouble(service: Service, trouble: Trouble) -> Iterator[None]:
    """Let something be wrong with a service, and mend it at the end."""
    web = service.web
    if trouble is Trouble.AWAY:
        web.stop()
        try:
            yield
        finally:
            web.start()
    elif trouble is Trouble.SLOW:
        pause = web.pause = threading.Event()
        try:
            yield
        finally:
            web.pause = None
            pause.set()
    else:
        handle, web.handle = web.handle, lambda _: Response(500)
        try:
            yield
        finally:
            web.handle = handle


def done(service: Service, user_id: str) -> list[Request]:
    """Return what a service did about a user, in the order in which it did it."""
    return [one for one in service.done.values() if user_id in one.path or user_id in str(one.body)]


async def waiting(world: World, user_id: str) -> dict[str, list[Any]]:
    """Return the errors of deliveries about a user that wait, by recipient; None for one that was not tried."""
    query = "SELECT recipient, error_code FROM deliveries WHERE user_id = %s AND delivered_at IS NULL ORDER BY seq"
    found: dict[str, list[Any]] = {}
    for recipient, error in await rows(world.database_url, query, user_id):
        found.setdefault(recipient, []).append(error)
    return found
