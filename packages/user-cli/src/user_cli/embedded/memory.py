"""Where servers that nobody's data depends on may live: in memory, which is quicker than a disk by far."""

import os
from pathlib import Path
from typing import Final

__all__ = ["memory_folder"]

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- only folders with random names are made there
_NEEDED: Final = 4 << 30
"""Bytes. A PostgreSQL's write-ahead log alone takes up to 1 GiB before a checkpoint, and tests run side by side."""


def memory_folder() -> Path | None:
    """Return the folder that the system keeps in memory; None without one that has room, for programs as well."""
    if not (hasattr(os, "ST_NOEXEC") and os.access(_SHARED_MEMORY, os.W_OK | os.X_OK)):
        return None
    state = os.statvfs(_SHARED_MEMORY)
    fits = state.f_bavail * state.f_frsize >= _NEEDED
    return _SHARED_MEMORY if fits and not state.f_flag & os.ST_NOEXEC else None
