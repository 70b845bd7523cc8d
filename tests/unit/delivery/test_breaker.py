"""A breaker opens, probes and closes by the clock alone."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, SECOND
from usercore.delivery.breaker import Breaker, BreakerLimits, BreakerState

LIMITS = BreakerLimits(failures=3, open_for=10 * SECOND, longest=60 * SECOND)


def opened() -> Breaker:
    breaker = Breaker(LIMITS)
    for _ in range(3):
        breaker.failed(NOW)
    return breaker


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker(LIMITS)
    breaker.failed(NOW)
    breaker.failed(NOW)
    assert breaker.allowance(NOW, 7) == 7
    breaker.answered()
    breaker.failed(NOW)
    breaker.failed(NOW)
    assert breaker.state(NOW) is BreakerState.CLOSED
    breaker.failed(NOW)
    assert (breaker.state(NOW), breaker.allowance(NOW, 7)) == (BreakerState.OPEN, 0)


def test_failures_of_calls_that_were_under_way_do_not_keep_it_open_longer() -> None:
    breaker = opened()
    breaker.failed(NOW + 9 * SECOND)
    assert breaker.state(NOW + 10 * SECOND) is BreakerState.HALF_OPEN
    assert breaker.allowance(NOW + 10 * SECOND, 7) == 1


def test_each_probe_that_fails_doubles_its_time_up_to_a_limit() -> None:
    breaker, now, waits = opened(), NOW, []
    for _ in range(6):
        waits.append((breaker.reopens_at(now) - now).total_seconds())
        now = breaker.reopens_at(now)
        breaker.failed(now)
    assert waits == [10, 20, 40, 60, 60, 60]
    breaker.answered()
    for _ in range(3):
        breaker.failed(now)
    assert breaker.reopens_at(now) == now + 10 * SECOND


@given(st.integers(1, 5000))
def test_it_stays_sensible_however_long_a_service_is_away(probes: int) -> None:
    breaker, now = opened(), NOW
    for _ in range(min(probes, 200)):
        now = breaker.reopens_at(now)
        breaker.failed(now)
    assert now < breaker.reopens_at(now) <= now + timedelta(minutes=1)
