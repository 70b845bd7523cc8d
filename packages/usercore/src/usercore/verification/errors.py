"""What can go wrong with verifications."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, ExhaustedError, InvalidError


@define(auto_exc=True, eq=False)
class VerificationFailedError(InvalidError):
    """The code or token proves nothing.

    It is wrong, too old, used, guessed at too often, of another user, of a contact that has changed, or nobody knows
    it: which of them is said to nobody.
    """

    code: ClassVar[str] = "verification_failed"
    summary: ClassVar[str] = "The code or link is not valid; ask for a new one"


@define(auto_exc=True, eq=False)
class VerificationInvalidError(InvalidError):
    """What is to be recorded breaks a rule; `violations` names each field."""

    code: ClassVar[str] = "verification_invalid"
    summary: ClassVar[str] = "The verification is not valid"


@define(auto_exc=True, eq=False)
class ContactMissingError(ConflictError):
    """The profile has nothing to send a code to."""

    code: ClassVar[str] = "contact_missing"
    summary: ClassVar[str] = "The user has no such contact to verify"


@define(auto_exc=True, eq=False)
class VerificationThrottledError(ExhaustedError):
    """Codes have been asked for too often; `retry_after_s` says when the next may be."""

    code: ClassVar[str] = "verification_throttled"
    summary: ClassVar[str] = "A code was sent a moment ago, or too many were; try again later"
