"""What can go wrong when accounts are merged."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError


@define(auto_exc=True, eq=False)
class MergeInvalidError(InvalidError):
    """What is to be merged, or taken over, cannot be; `violations` names each."""

    code: ClassVar[str] = "merge_invalid"
    summary: ClassVar[str] = "The merge is not valid"


@define(auto_exc=True, eq=False)
class MergeNotFoundError(NotFoundError):
    """There is no such merge."""

    code: ClassVar[str] = "merge_not_found"
    summary: ClassVar[str] = "There is no such merge"


@define(auto_exc=True, eq=False)
class MergeTermOverError(ConflictError):
    """The time within which the merge could be undone is over, or what it would take is not kept any more."""

    code: ClassVar[str] = "merge_undo_term_over"
    summary: ClassVar[str] = "The merge can no longer be undone"


@define(auto_exc=True, eq=False)
class MergeRequestOpenError(ConflictError):
    """A privacy request about one of the two is open, and must be answered about the data as it was asked of."""

    code: ClassVar[str] = "merge_privacy_request_open"
    summary: ClassVar[str] = "A privacy request about one of the two accounts is open; settle it first"
