"""Values that must not be seen."""

from hmac import compare_digest

from attrs import field, frozen


@frozen(eq=False, str=False)
class Secret:
    """Text that no log, trace or repr shows; only :meth:`reveal` gives it out."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text itself. Call it only where it leaves for its one destination."""
        return self._value

    def __len__(self) -> int:
        """Return the number of characters, which rules may look at."""
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        """Hash the text, so that equal secrets hash alike."""
        return hash(self._value)

    def __str__(self) -> str:
        """Hide the text."""
        return "********"
