"""What differs between two states of a thing."""

from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen


@frozen
class FieldChange:
    """One field before and after.

    Args:
        field: the field's domain name; a nested one is dotted.
        before: domain value before, or None.
        after: domain value after, or None.
    """

    field: str
    before: object
    after: object


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[FieldChange]:
    """Yield the fields whose values differ, in the order of `after`."""
    for name, value in after.items():
        if before.get(name) != value:
            yield FieldChange(name, before.get(name), value)


def undo(state: Mapping[str, object], newest_first: Iterable[FieldChange]) -> dict[str, object]:
    """Take changes back, the newest first, and return the state before all of them."""
    earlier = dict(state)
    for change in newest_first:
        earlier[change.field] = change.before
    return earlier
