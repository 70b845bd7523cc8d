"""What can go wrong with consents."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError


@define(auto_exc=True, eq=False)
class ConsentInvalidError(InvalidError):
    """A consent names an unknown purpose or breaks a rule; `violations` names each."""

    code: ClassVar[str] = "consent_invalid"
    summary: ClassVar[str] = "The consent is not valid"


@define(auto_exc=True, eq=False)
class PurposeInvalidError(InvalidError):
    """A purpose breaks a rule; `violations` names each."""

    code: ClassVar[str] = "purpose_invalid"
    summary: ClassVar[str] = "The purpose is not valid"


@define(auto_exc=True, eq=False)
class ConsentContradictedError(ConflictError):
    """One request gives a consent and says by a signal that it is withdrawn."""

    code: ClassVar[str] = "consent_contradicted"
    summary: ClassVar[str] = "The request itself says the opposite: its Sec-GPC header opts out of the sale of data"
