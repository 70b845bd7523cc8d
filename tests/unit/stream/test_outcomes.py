"""For every error it is settled what is done about it, and what is told of it."""

import asyncio

import pytest

from user_stream.outcomes import OUTCOME_BY_CODE, OUTCOME_BY_KIND, Outcome, outcome_of
from user_stream.problems import problem_of
from user_stream.retrying import UNEXPECTED_TRIES, BaffledError, GivenUpError, Retrying
from usercore.kernel.errors import (
    ConflictError,
    InvalidError,
    UnavailableError,
    UserCoreError,
    Violation,
    all_errors,
)
from usercore.kernel.inbox import AlreadyAppliedError
from usercore.observe.metrics import Metrics
from usercore.users.errors import UserErasedError, UserNotFoundError, WriteContendedError


def test_every_kind_of_error_has_its_outcome() -> None:
    kinds = set(UserCoreError.__subclasses__())
    assert {kind for kind in kinds if kind.__module__ == "usercore.kernel.errors"} == set(OUTCOME_BY_KIND)


def test_every_code_with_an_outcome_of_its_own_exists() -> None:
    assert OUTCOME_BY_CODE.keys() <= {error.code for error in all_errors()}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AlreadyAppliedError(), Outcome.SKIP),
        (WriteContendedError(), Outcome.RETRY),
        (UserErasedError(), Outcome.REFUSE),
        (UnavailableError(), Outcome.RETRY),
        (ValueError(), Outcome.BURY),
    ],
)
def test_the_most_particular_rule_decides(error: Exception, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome


def test_an_erased_user_is_answered_exactly_as_an_absent_one() -> None:
    assert problem_of(UserErasedError()) == problem_of(UserNotFoundError())


def test_a_problem_points_at_each_field_and_has_no_status() -> None:
    violation = Violation(("address", "postal_code"), "too_long", "give at most 20 characters")
    assert problem_of(InvalidError("look", violations=(violation,))) == {
        "type": "urn:user-service:problem:invalid",
        "title": "The input is not valid",
        "detail": "look",
        "code": "invalid",
        "errors": [{"pointer": "/address/postalCode", "code": "too_long", "detail": "give at most 20 characters"}],
    }


class Failing:
    """Fails so many times before it succeeds."""

    def __init__(self, error: Exception, times: int) -> None:
        self._error = error
        self._times = times
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.tries <= self._times:
            raise self._error
        return "done"


def retrying(retries: int, stopping: asyncio.Event | None = None, *, first_s: float = 0.0001) -> Retrying:
    return Retrying(retries, first_s, 0.001, Metrics(), stopping or asyncio.Event())


async def test_what_fails_for_a_moment_succeeds_at_last() -> None:
    work = Failing(UnavailableError(), 5)
    assert await retrying(5)(work) == "done"
    assert work.tries == 6


async def test_what_goes_on_failing_is_given_up_and_never_taken_for_the_message_s_fault() -> None:
    work = Failing(UnavailableError(), 6)
    with pytest.raises(GivenUpError):
        await retrying(5)(work)
    assert work.tries == 6


async def test_a_refusal_is_not_tried_again() -> None:
    work = Failing(ConflictError("no"), 1)
    with pytest.raises(ConflictError):
        await retrying(5)(work)
    assert work.tries == 1


async def test_what_nobody_foresaw_is_tried_a_few_times_and_then_it_is_the_message() -> None:
    work = Failing(KeyError("x"), 100)
    with pytest.raises(BaffledError) as caught:
        await retrying(100)(work)
    assert (caught.value.attempts, work.tries) == (UNEXPECTED_TRIES, UNEXPECTED_TRIES)


async def test_nobody_waits_any_longer_once_the_process_is_to_stop() -> None:
    stopping = asyncio.Event()
    patience = Retrying(10, 60.0, 60.0, Metrics(), stopping)
    waiting = asyncio.create_task(patience(Failing(UnavailableError(), 100)))
    await asyncio.sleep(0)
    stopping.set()
    with pytest.raises(GivenUpError):
        await asyncio.wait_for(waiting, 5)
