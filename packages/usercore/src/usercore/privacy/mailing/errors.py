"""What can go wrong with suppression and unsubscription."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import InvalidError, NotFoundError


@define(auto_exc=True, eq=False)
class SuppressionInvalidError(InvalidError):
    """What is to be suppressed breaks a rule; `violations` names each."""

    code: ClassVar[str] = "suppression_invalid"
    summary: ClassVar[str] = "The suppression is not valid"


@define(auto_exc=True, eq=False)
class UnsubscribeTokenInvalidError(NotFoundError):
    """The token is none of ours; whoever made it up learns nothing else."""

    code: ClassVar[str] = "unsubscribe_token_invalid"
    summary: ClassVar[str] = "The unsubscription link is not valid"
