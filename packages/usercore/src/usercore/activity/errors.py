"""What can go wrong with what users did elsewhere."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import InvalidError


@define(auto_exc=True, eq=False)
class FactInvalidError(InvalidError):
    """A fact breaks a rule; `violations` names it."""

    code: ClassVar[str] = "fact_invalid"
    summary: ClassVar[str] = "The fact is not valid"
