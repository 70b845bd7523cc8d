"""Fixtures of the HTTP tests: each runs with the read lane and without it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.api import Api, serving


@pytest.fixture(params=[True, False], ids=["lane", "router"])
def read_lane(request: pytest.FixtureRequest) -> bool:
    """Whether reads of one user are answered in front of the router."""
    on: Any = request.param
    return bool(on)


@pytest.fixture
async def api(tmp_path: Path, read_lane: bool) -> AsyncIterator[Api]:
    """An API over a core in memory."""
    async with serving(tmp_path, read_lane=read_lane) as one:
        yield one


@pytest.fixture
async def lane_api(tmp_path: Path) -> AsyncIterator[Api]:
    """An API with the read lane, for what has nothing to do with it."""
    async with serving(tmp_path) as one:
        yield one
