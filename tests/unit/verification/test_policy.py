"""How often a verification may be asked for."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from usercore.adapters.memory.verifications import RandomProofs
from usercore.verification.values import CODE_DIGITS, DEFAULT_VERIFICATION, TOKEN_CHARS, VerificationPolicy

MINUTE = timedelta(minutes=1)


def starts_of(policy: VerificationPolicy, waits: list[int]) -> list[datetime]:
    """Start as often as the policy lets somebody who asks again and again after so many seconds."""
    now, starts = NOW, list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        if policy.next_start([at for at in starts if at > now - timedelta(days=1)], now) == now:
            starts.append(now)
    return starts


def test_the_first_start_is_allowed_at_once() -> None:
    assert DEFAULT_VERIFICATION.next_start([], NOW) == NOW


def test_the_second_waits_for_the_interval() -> None:
    assert DEFAULT_VERIFICATION.next_start([NOW], NOW + MINUTE / 2) == NOW + MINUTE
    assert DEFAULT_VERIFICATION.next_start([NOW], NOW + MINUTE) == NOW + MINUTE


def test_after_so_many_an_hour_the_next_waits_for_the_first_of_them_to_be_an_hour_old() -> None:
    starts = [NOW + MINUTE * number for number in range(5)]
    assert DEFAULT_VERIFICATION.next_start(starts, NOW + MINUTE * 10) == NOW + MINUTE * 60


def test_after_so_many_a_day_the_next_waits_for_the_first_of_them_to_be_a_day_old() -> None:
    starts = [NOW + timedelta(hours=number) for number in range(10)]
    assert DEFAULT_VERIFICATION.next_start(starts, NOW + timedelta(hours=12)) == NOW + timedelta(days=1)


@given(st.lists(st.integers(0, 4000), max_size=80))
def test_whoever_asks_however_often_never_gets_more_than_the_policy_says(waits: list[int]) -> None:
    starts = starts_of(DEFAULT_VERIFICATION, waits)
    for first, second in pairwise(starts):
        assert second - first >= DEFAULT_VERIFICATION.interval
    for at in starts:
        assert sum(timedelta() <= at - one < timedelta(hours=1) for one in starts) <= DEFAULT_VERIFICATION.per_hour
        assert sum(timedelta() <= at - one < timedelta(days=1) for one in starts) <= DEFAULT_VERIFICATION.per_day


def test_proofs_are_six_digits_and_256_bits_and_never_the_same() -> None:
    proofs = RandomProofs()
    codes = [proofs.code().reveal() for _ in range(200)]
    tokens = [proofs.token().reveal() for _ in range(200)]
    assert all(len(code) == CODE_DIGITS and code.isdigit() for code in codes)
    assert len(set(codes)) > 190
    assert {len(token) for token in tokens} == {TOKEN_CHARS}
    assert len(set(tokens)) == 200
