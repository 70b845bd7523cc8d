"""A privacy request goes from state to state as the law has it, and nowhere else."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import IDS, NOW, OPERATOR
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.errors import UserCoreError
from usercore.privacy.requests.errors import (
    ErasureUnderWayError,
    ExtensionError,
    IdentityNeededError,
    RequestClosedError,
    RequestInvalidError,
    RequestStateError,
)
from usercore.privacy.requests.model import Asked, ErasureStep, PrivacyRequest, RequestId, next_step
from usercore.privacy.requests.values import (
    IdentityCheck,
    IdentityMethod,
    Jurisdiction,
    Refusal,
    RefusalGround,
    RequestKind,
    RequestState,
    parse_matter,
    parse_words,
)
from usercore.users.values import ValueRejectedError

USER = IDS.user_id()
LATER = NOW + timedelta(days=1)
CHECK = IdentityCheck(IdentityMethod.CHECKED_BY_OPERATOR, NOW, OPERATOR, "passport seen")
UNFOUNDED = Refusal(RefusalGround.MANIFESTLY_UNFOUNDED, "the same was asked nine times this week")


def received(kind: RequestKind = RequestKind.ERASURE, law: Jurisdiction = Jurisdiction.GDPR) -> PrivacyRequest:
    actor = Actor(ActorKind.USER, USER)
    ident = RequestId(IDS.event_id())
    return PrivacyRequest.receive(ident, USER, kind, law, now=NOW, zone=UTC, actor=actor, asked=Asked())


def accepted(kind: RequestKind = RequestKind.ERASURE, law: Jurisdiction = Jurisdiction.GDPR) -> PrivacyRequest:
    return received(kind, law).checked(CHECK)


def must(step: PrivacyRequest | None) -> PrivacyRequest:
    assert step is not None
    return step


def test_a_request_waits_until_it_is_known_who_asks() -> None:
    waiting = received().checked(None)
    assert waiting.state is RequestState.IDENTITY_PENDING
    with pytest.raises(IdentityNeededError):
        waiting.begin(now=LATER)
    with pytest.raises(IdentityNeededError):
        waiting.complete("done", now=LATER)
    known = must(waiting.identify(CHECK))
    assert (known.state, known.identity, known.version) == (RequestState.ACCEPTED, CHECK, 2)
    assert known.identify(CHECK) is None


def test_an_opt_out_of_sale_needs_no_proof_of_who_asks() -> None:
    assert received(RequestKind.OPT_OUT_OF_SALE).checked(None).state is RequestState.ACCEPTED


def test_a_deadline_is_put_off_once_in_time_and_with_a_reason() -> None:
    first = accepted()
    longer = must(first.extend("many systems", now=LATER, zone=UTC))
    assert longer.due_at > first.due_at + timedelta(days=58)
    assert longer.extend("many systems", now=LATER, zone=UTC) is None
    with pytest.raises(ExtensionError):
        longer.extend("still many", now=LATER, zone=UTC)
    with pytest.raises(ExtensionError):
        first.extend("too late", now=first.due_at + timedelta(microseconds=1), zone=UTC)
    with pytest.raises(ExtensionError):
        accepted(RequestKind.OPT_OUT_OF_SALE, Jurisdiction.CCPA).extend("why", now=LATER, zone=UTC)


def test_it_is_overdue_after_the_last_moment_and_while_it_is_open() -> None:
    request = accepted()
    assert not request.is_overdue(request.due_at)
    late = request.due_at + timedelta(microseconds=1)
    assert request.is_overdue(late)
    assert not must(request.refuse(UNFOUNDED, now=late)).is_overdue(late)


def test_a_refusal_names_a_ground_that_the_law_gives_for_the_right() -> None:
    refused = must(accepted().refuse(UNFOUNDED, now=LATER))
    assert (refused.state, refused.closed_at) == (RequestState.REFUSED, LATER)
    assert refused.refuse(UNFOUNDED, now=LATER) is None
    with pytest.raises(RequestClosedError):
        refused.refuse(evolve(UNFOUNDED, ground=RefusalGround.EXCESSIVE), now=LATER)
    with pytest.raises(RequestInvalidError):
        accepted(RequestKind.ACCESS).refuse(Refusal(RefusalGround.LEGAL_OBLIGATION, "tax law"), now=LATER)
    assert must(accepted().refuse(Refusal(RefusalGround.LEGAL_OBLIGATION, "tax law"), now=LATER)).refusal


def test_an_erasure_that_has_begun_cannot_be_called_back() -> None:
    begun = accepted().begin_erasure(IDS.event_id(), now=LATER)
    assert (begun.state, begun.is_final) == (RequestState.IN_PROGRESS, True)
    with pytest.raises(ErasureUnderWayError):
        begun.cancel(now=LATER)
    with pytest.raises(ErasureUnderWayError):
        begun.refuse(UNFOUNDED, now=LATER)
    with pytest.raises(RequestStateError):
        accepted(RequestKind.ACCESS).begin_erasure(IDS.event_id(), now=LATER)


def test_the_steps_of_an_erasure_follow_each_other() -> None:
    erasure = accepted().begin_erasure(IDS.event_id(), now=NOW).erasure
    seen = []
    while erasure is not None and erasure.step is not ErasureStep.RECEIPTS:
        seen.append(erasure.step)
        erasure = next_step(erasure, LATER)
    assert seen == list(ErasureStep)[:-1]


MOVES = {
    "begin": lambda request: request.begin(now=LATER),
    "identify": lambda request: request.identify(CHECK),
    "extend": lambda request: request.extend("why", now=LATER, zone=UTC),
    "refuse": lambda request: request.refuse(UNFOUNDED, now=LATER),
    "cancel": lambda request: request.cancel(now=LATER),
    "complete": lambda request: request.complete("done", now=LATER),
}


@given(st.sampled_from(RequestKind), st.booleans(), st.lists(st.sampled_from(sorted(MOVES)), max_size=8))
def test_whatever_is_tried_versions_grow_by_one_and_a_closed_request_stays_as_it_is(
    kind: RequestKind, known: bool, moves: list[str]
) -> None:
    request = received(kind).checked(CHECK if known else None)
    for move in moves:
        try:
            after: Any = MOVES[move](request)
        except UserCoreError:
            continue
        if after is None:
            continue
        assert request.is_open
        assert after.version == request.version + 1
        assert (after.closed_at is None) == after.is_open
        assert after.state is not RequestState.COMPLETED or after.identity or kind is RequestKind.OPT_OUT_OF_SALE
        request = after


@pytest.mark.parametrize(
    ("raw", "code"), [(" ", "too_short"), ("x" * 2001, "too_long"), ("a\x00b", "control_character")]
)
def test_texts_that_cannot_be_kept_are_refused(raw: str, code: str) -> None:
    with pytest.raises(ValueRejectedError) as refused:
        parse_words(raw)
    assert refused.value.code == code


def test_texts_may_have_lines_and_matters_no_blanks() -> None:
    assert parse_words(" first \r\n\r\nsecond ") == "first\n\nsecond"
    assert parse_matter(" case-17 ") == "case-17"
    with pytest.raises(ValueRejectedError):
        parse_matter("case 17")
