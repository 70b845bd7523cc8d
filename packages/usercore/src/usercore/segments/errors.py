"""What can go wrong with a filter."""

from typing import ClassVar, Self

from attrs import define, field

from usercore.kernel.errors import InvalidError, Violation


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
