"""What can go wrong with privacy requests."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError


@define(auto_exc=True, eq=False)
class RequestInvalidError(InvalidError):
    """What was asked, or what is to be done about it, breaks a rule; `violations` names each."""

    code: ClassVar[str] = "privacy_request_invalid"
    summary: ClassVar[str] = "The privacy request is not valid"


@define(auto_exc=True, eq=False)
class RequestNotFoundError(NotFoundError):
    """There is no such privacy request."""

    code: ClassVar[str] = "privacy_request_not_found"
    summary: ClassVar[str] = "There is no such privacy request"


@define(auto_exc=True, eq=False)
class RequestClosedError(ConflictError):
    """The request has been answered, or taken back."""

    code: ClassVar[str] = "privacy_request_closed"
    summary: ClassVar[str] = "The privacy request is closed"


@define(auto_exc=True, eq=False)
class RequestStateError(ConflictError):
    """The request does not stand where this can be done."""

    code: ClassVar[str] = "privacy_request_state"
    summary: ClassVar[str] = "The privacy request is not in a state that allows this"


@define(auto_exc=True, eq=False)
class IdentityNeededError(ConflictError):
    """Nobody knows yet whether the person who asks is the one whose data it is."""

    code: ClassVar[str] = "identity_needed"
    summary: ClassVar[str] = "Find out first who asks"


@define(auto_exc=True, eq=False)
class ExtensionError(ConflictError):
    """The answer cannot be put off: it was already, the first period is over, or the law knows no extension."""

    code: ClassVar[str] = "extension_not_possible"
    summary: ClassVar[str] = "The deadline cannot be extended"


@define(auto_exc=True, eq=False)
class UserHeldError(ConflictError):
    """A legal hold keeps the user's data."""

    code: ClassVar[str] = "legal_hold"
    summary: ClassVar[str] = "A legal hold keeps the user's data"


@define(auto_exc=True, eq=False)
class ErasureUnderWayError(ConflictError):
    """The erasure has begun and cannot be called back."""

    code: ClassVar[str] = "erasure_under_way"
    summary: ClassVar[str] = "The erasure has begun and cannot be called back"


@define(auto_exc=True, eq=False)
class RequestChangedError(ConflictError):
    """Somebody else has taken the request further meanwhile."""

    code: ClassVar[str] = "privacy_request_changed"
    summary: ClassVar[str] = "The privacy request has changed meanwhile; look again"


@define(auto_exc=True, eq=False)
class ArchiveGoneError(NotFoundError):
    """There is no archive to be fetched, or not any more."""

    code: ClassVar[str] = "archive_not_available"
    summary: ClassVar[str] = "There is no archive, or it has expired"


@define(auto_exc=True, eq=False)
class HoldNotFoundError(NotFoundError):
    """No legal hold for that matter keeps the user's data."""

    code: ClassVar[str] = "legal_hold_not_found"
    summary: ClassVar[str] = "There is no such legal hold"


@define(auto_exc=True, eq=False)
class LedgerBrokenError(ConflictError):
    """The ledger of erasures is not what was written: entries were changed, moved or taken out."""

    code: ClassVar[str] = "erasure_ledger_broken"
    summary: ClassVar[str] = "The ledger of erasures has been changed"
