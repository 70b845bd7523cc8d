"""A cache of ready profiles in Redis or Valkey that never shows what an acknowledged write replaced.

Extra `redis`. The protocol stands in :mod:`usercore.adapters.redis.protocol`, each of its steps in
:mod:`usercore.adapters.redis.steps`. The same server keeps the buckets of the rate limits:
:mod:`usercore.adapters.redis.rate_limits`.
"""

from usercore.adapters.redis.cache import Cache, open_cache
from usercore.adapters.redis.observer import CacheObserver
from usercore.adapters.redis.rate_limits import open_rate_limiter
from usercore.adapters.redis.reader import CachedProfileReader
from usercore.adapters.redis.steps import CacheDownError
from usercore.adapters.redis.writer import FencedUserWriter

__all__ = [
    "Cache",
    "CacheDownError",
    "CacheObserver",
    "CachedProfileReader",
    "FencedUserWriter",
    "open_cache",
    "open_rate_limiter",
]
