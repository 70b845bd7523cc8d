"""The cache's protocol, the very code of it, in every order of its steps; and how simpler ones fail."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.redis import worlds
from tests.redis.stepping import ViolationError, explore
from tests.redis.worlds import CacheWorld


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(partial(CacheWorld, writers=2, readers=2, kills=1), id="a kill"),
        pytest.param(partial(CacheWorld, writers=2, readers=2, evictions=1), id="an eviction"),
        pytest.param(partial(CacheWorld, writers=2, readers=1, losses=1), id="a lost answer to COMMIT"),
    ],
)
def test_no_order_of_steps_shows_a_reader_what_an_acknowledged_write_replaced(make: Callable[[], CacheWorld]) -> None:
    """Nor does a value stay cached that is not the database's, whatever of these happens and when."""
    assert explore(make) > 1000


@pytest.mark.parametrize(
    "simpler",
    [worlds.DeleteAfterCommit, worlds.DoubleDelete, worlds.SetIfNewer, worlds.BlindSet, worlds.OneFenceForAll],
)
def test_simpler_protocols_are_caught_showing_stale_reads(simpler: type[CacheWorld]) -> None:
    with pytest.raises(ViolationError):
        explore(lambda: simpler(writers=2, readers=2))


def test_without_the_fence_a_kill_leaves_a_stale_value() -> None:
    """Leases alone do while every writer lives."""
    explore(lambda: worlds.LeasesWithoutFence(writers=2, readers=2))
    with pytest.raises(ViolationError, match="stays cached"):
        explore(lambda: worlds.LeasesWithoutFence(writers=1, readers=1, kills=1))


def test_the_one_case_left_to_expiry_is_a_kill_together_with_an_eviction() -> None:
    """The write that was killed was not acknowledged; those that were are safe even then."""
    with pytest.raises(ViolationError, match=r"evict fence.*stays cached"):
        explore(lambda: CacheWorld(writers=1, readers=2, kills=1, evictions=1))
    explore(lambda: CacheWorld(writers=2, readers=1, kills=1, evictions=1, unacknowledged_too=False))
