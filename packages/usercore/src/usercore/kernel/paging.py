"""Pages of a long list."""

from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """Some items of a list, in its order.

    Args:
        items: this page's items.
        next_cursor: opaque word that fetches what follows, or None at the end.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None
