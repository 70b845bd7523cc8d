"""A filter as it was written, before now is a time and a tier a number of points."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

import attrs
from attrs import frozen

from usercore.segments.catalogue import FilterField
from usercore.users.conditions import Operator, Tree

FILTER_MAX_CHARS: Final = 2_000
FILTER_MAX_DEPTH: Final = 20
"""How deep parentheses and negations nest; each is some frames of the parser."""
FILTER_MAX_COMPARISONS: Final = 50
LIST_MAX_VALUES: Final = 200
RELATIVE_MAX: Final = 100_000
"""Of whatever unit: more minutes than two months have, and fewer years than would be refused anyway."""


class Unit(StrEnum):
    """What a relative time counts; months and years are those of the calendar, in UTC."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    @property
    def singular(self) -> str:
        """The word for one of them."""
        return self.value.removesuffix("s")


UNITS: Final[Mapping[str, Unit]] = {word: unit for unit in Unit for word in (unit.value, unit.singular)}


@frozen
class Relative:
    """A time counted from now: `amount` units later, or earlier where it is negative; 0 is now, and has no unit."""

    amount: int = 0
    unit: Unit = Unit.DAYS


Literal: TypeAlias = str | Decimal | bool | date | datetime | Relative


@frozen
class Clause:
    """One comparison of a filter.

    Args:
        field: of the catalogue.
        operator: one of the field's.
        value: what is compared with; a tuple for IN, None for EXISTS.
        keys: what stands behind the field's path.
        position: where it begins in the filter, from 1; of no account where two are compared.
        at: where each value begins.
    """

    field: FilterField
    operator: Operator
    value: Literal | tuple[Literal, ...] | None = attrs.field(default=None, repr=False)
    keys: tuple[str, ...] = attrs.field(default=(), repr=False)
    position: int = attrs.field(default=1, eq=False)
    at: tuple[int, ...] = attrs.field(default=(), eq=False)

    @property
    def values(self) -> tuple[Literal, ...]:
        """What is compared with, one or several."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)


Filter: TypeAlias = Tree[Clause]
"""A filter as it was written."""
