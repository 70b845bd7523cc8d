"""A server that does not answer is left alone, and found again."""

from attrs import define

from usercore.adapters.redis.breaker import FAILURES, REST_S, Breaker


@define
class HandClock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def broken(clock: HandClock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_single_failures_between_successes_do_not_stop_it() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        breaker.failed()
        assert breaker.admits()
        breaker.succeeded()


def test_several_in_a_row_do_until_it_has_rested() -> None:
    clock = HandClock()
    breaker = broken(clock)
    assert not breaker.admits()
    clock.now += REST_S * 0.99
    assert not breaker.admits()


def test_after_the_rest_one_alone_is_let_through() -> None:
    clock = HandClock()
    breaker = broken(clock)
    clock.now += REST_S
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_its_failure_means_another_rest_and_its_success_opens_the_way_for_all() -> None:
    clock = HandClock()
    breaker = broken(clock)
    clock.now += REST_S
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    clock.now += REST_S
    assert breaker.admits()
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]
