"""What can go wrong between us and the services around us."""

from typing import ClassVar

from attrs import define, field

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError, UnavailableError


@define(auto_exc=True, eq=False)
class RecipientUnavailableError(UnavailableError):
    """A service around us did not do what it was told, and may do it later.

    Args:
        cause: a short stable word for what happened: ``connect``, ``timeout``, ``http_503``.
        wait_s: how long it asks us to wait; None where it did not say.
        alive: whether the service does its work, and only this cannot be done now.
    """

    code: ClassVar[str] = "recipient_unavailable"
    summary: ClassVar[str] = "A service around us does not answer; try again later"

    cause: str = field(default="unavailable", kw_only=True)
    wait_s: float | None = field(default=None, kw_only=True)
    alive: bool = field(default=False, kw_only=True)


@define(auto_exc=True, eq=False)
class RecipientRefusedError(InvalidError):
    """A service around us will not do what it was told, however often it is told.

    Args:
        cause: a short stable word for what it said: ``http_422``.
    """

    code: ClassVar[str] = "recipient_refused"
    summary: ClassVar[str] = "A service around us refused for good"

    cause: str = field(default="refused", kw_only=True)


@define(auto_exc=True, eq=False)
class DeliveryNotFoundError(NotFoundError):
    """There is no such delivery."""

    code: ClassVar[str] = "delivery_not_found"
    summary: ClassVar[str] = "There is no such delivery"


@define(auto_exc=True, eq=False)
class DeliverySettledError(ConflictError):
    """The delivery was acknowledged or discarded before."""

    code: ClassVar[str] = "delivery_settled"
    summary: ClassVar[str] = "The delivery was acknowledged or discarded before"


@define(auto_exc=True, eq=False)
class CredentialsUnknownError(ConflictError):
    """No AuthenticationService is connected that could be asked for its credentials."""

    code: ClassVar[str] = "credentials_unknown"
    summary: ClassVar[str] = (
        "No AuthenticationService is connected that could be asked: set USER_SERVICE_AUTHENTICATION_ADAPTER"
    )
