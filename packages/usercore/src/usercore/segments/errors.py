"""What can go wrong with a filter, and with one that is kept."""

from typing import ClassVar, Self

from attrs import define, field

from usercore.kernel.errors import ConflictError, InvalidError, NotFoundError, Violation


@define(auto_exc=True, eq=False)
class SegmentInvalidError(InvalidError):
    """A filter is not one we can follow; `position` is the character at which it goes wrong, from 1."""

    code: ClassVar[str] = "filter_invalid"
    summary: ClassVar[str] = "The filter is not valid"

    position: int | None = field(default=None, kw_only=True)

    @classmethod
    def at(cls, position: int, code: str, advice: str) -> Self:
        """Return the error for a place in the filter.

        Args:
            position: of the character, from 1.
            code: stable word for the rule.
            advice: what to do, without repeating anything of the filter.
        """
        detail = f"at character {position}: {advice}"
        return cls(violations=(Violation(("filter",), code, detail),), position=position)


@define(auto_exc=True, eq=False)
class SegmentRefusedError(InvalidError):
    """What is to be kept as a segment is none."""

    code: ClassVar[str] = "segment_invalid"
    summary: ClassVar[str] = "The segment is not valid"


@define(auto_exc=True, eq=False)
class SegmentNotFoundError(NotFoundError):
    """There is no segment of this name."""

    code: ClassVar[str] = "segment_not_found"
    summary: ClassVar[str] = "There is no such segment"


@define(auto_exc=True, eq=False)
class SegmentExistsError(ConflictError):
    """The name has another filter; delete that first, or choose another name."""

    code: ClassVar[str] = "segment_exists"
    summary: ClassVar[str] = "Another segment has this name"
