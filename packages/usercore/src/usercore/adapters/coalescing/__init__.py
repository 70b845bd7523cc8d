"""Ports that gather concurrent calls into batches over another implementation of the same port."""

from usercore.adapters.coalescing.readers import (
    GatheredActivityReader,
    GatheredPreferencesReader,
    GatheredProfileReader,
    GatheredUserReader,
)
from usercore.adapters.coalescing.writer import GroupCommitUserWriter

__all__ = [
    "GatheredActivityReader",
    "GatheredPreferencesReader",
    "GatheredProfileReader",
    "GatheredUserReader",
    "GroupCommitUserWriter",
]
