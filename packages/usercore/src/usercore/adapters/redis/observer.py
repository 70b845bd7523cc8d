"""What the cache tells of its work."""

from typing import Final, Protocol

HIT: Final = "hit"
"""Profiles that the cache had."""
MISS: Final = "miss"
"""Profiles that the cache did not have."""
BYPASS: Final = "bypass"
"""Profiles read from the database because the cache could not be used."""
UNSEALED: Final = "unsealed"
"""Cached values that did not open: another key, another user's, damaged. They count as misses too."""
ERROR: Final = "error"
"""Exchanges with the server that failed."""


class CacheObserver(Protocol):
    """Is told how reads went."""

    def cache_reads(self, result: str, count: int) -> None:
        """Count profiles by how they were read, and exchanges that failed; `result` is a word of this module."""
        ...


class SilentObserver:
    """Counts nothing."""

    def cache_reads(self, result: str, count: int) -> None:
        """Do nothing."""
