"""The headers of one request, by name."""

from collections.abc import Sequence


class RequestHeaders:
    """Looks headers up, however often each came.

    Args:
        lines: names in lower case and values, in the order in which they came.
    """

    __slots__ = ("_last", "_lines")

    def __init__(self, lines: Sequence[tuple[bytes, bytes]]) -> None:
        self._lines = lines
        self._last = dict(lines)

    def last(self, name: bytes) -> bytes | None:
        """Return the value of a header's last line."""
        return self._last.get(name)

    def joined(self, name: bytes) -> str | None:
        """Return a header's value, several lines joined as RFC 9110, 5.3, says."""
        value = self._last.get(name)
        if value is None:
            return None
        return (b", ".join(self._values(name)) if self.is_repeated(name) else value).decode("latin-1")

    def is_repeated(self, name: bytes) -> bool:
        """Return whether a header came on several lines."""
        return len(self._last) != len(self._lines) and len(self._values(name)) > 1

    def _values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._lines if key == name]
