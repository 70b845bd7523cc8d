"""The difference between "leave it" and "empty it"."""

from enum import Enum
from typing import Final, Literal, TypeAlias


class _Unset(Enum):
    UNSET = "UNSET"

    def __bool__(self) -> bool:
        """Be false, as None is."""
        return False

    def __repr__(self) -> str:
        """Show the name alone."""
        return "UNSET"


Unset: TypeAlias = Literal[_Unset.UNSET]
UNSET: Final = _Unset.UNSET
"""A field that the caller did not mention, where None would mean: empty it."""
