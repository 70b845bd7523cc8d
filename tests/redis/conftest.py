"""A cache of its own for each test, on the server all tests share."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings

KEY = Secret(base64.b64encode(bytes(range(32))).decode())


@pytest.fixture
def cache_settings(redis_url: str) -> CacheSettings:
    """A namespace that nobody else uses, and no hurry: tests on busy machines are not about timeouts."""
    return CacheSettings(url=Secret(redis_url), key=KEY, namespace=f"test-{uuid4().hex}", timeout_s=5.0)


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator["Redis"]:
    """A connection past the cache."""
    async with Redis.from_url(redis_url, protocol=2) as client:
        yield client
