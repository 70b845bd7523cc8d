"""A user's life, as properties of every step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, OPERATOR, SECOND, a_profile, an_email, creation
from tests.strategies import instants, profiles, users
from usercore.kernel.changes import undo
from usercore.users.errors import (
    StaleVersionError,
    UserDeactivatedError,
    UserErasedError,
    UserMergedError,
    UserRestrictedError,
)
from usercore.users.events import UserCreated, UserDeactivated, UserErased, UserReactivated, UserUpdated, UserVerified
from usercore.users.model import AccountStatus, Profile, Transition, User, Verification
from usercore.users.values import AccountState, DeactivationReason, VerificationChannel

VERIFIED = Verification(NOW, NOW, NOW)


def a_user(**fields: Any) -> User:
    return evolve(creation().user, **fields)


def in_state(state: AccountState) -> User:
    return a_user(status=AccountStatus(state, since=NOW, actor=OPERATOR))


def deactivate(user: User, now: datetime = NOW + SECOND) -> Transition | None:
    return user.deactivate(reason=DeactivationReason.INACTIVITY, notes="gone", until=None, now=now, actor=OPERATOR)


def reactivate(user: User, now: datetime = NOW + SECOND) -> Transition | None:
    return user.reactivate(reason="back", now=now, actor=OPERATOR)


def test_a_new_user_is_active_at_version_1_and_announced() -> None:
    profile = a_profile()

    step = User.create(creation().user.id, profile, now=NOW, actor=OPERATOR)

    assert (step.user.version, step.user.profile) == (1, profile)
    assert step.user.status == AccountStatus(AccountState.ACTIVE, since=NOW, actor=OPERATOR)
    assert (step.user.created_at, step.user.updated_at) == (NOW, NOW)
    assert step.event == UserCreated(step.user.id, profile.email.address, "Grace", "Hopper", NOW)
    assert {change.before for change in step.changes} == {None}
    assert {change.field for change in step.changes} >= {"email", "username", "first_name", "last_name", "status"}


steps = st.lists(
    st.one_of(
        profiles().map(lambda profile: lambda user, now: user.update(profile, now=now)),
        st.just(deactivate),
        st.just(reactivate),
        st.sampled_from(VerificationChannel).map(lambda channel: lambda user, now: user.verify(channel, now=now)),
    ),
    max_size=6,
)


@given(user=users(), taken=steps, times=st.lists(instants(), min_size=6, max_size=6))
def test_each_step_adds_one_version_keeps_time_running_and_can_be_taken_back(
    user: User, taken: list[Callable[[User, datetime], Transition | None]], times: list[datetime]
) -> None:
    for take, now in zip(taken, times, strict=False):
        try:
            step = take(user, now)
        except UserDeactivatedError:
            assert user.status.state is AccountState.DEACTIVATED
            continue
        if step is None:
            continue
        after = step.user
        assert after.version == user.version + 1
        assert after.updated_at == max(now, user.updated_at)
        assert (after.id, after.created_at) == (user.id, user.created_at)
        assert step.event.user_id == user.id
        assert step.changes or isinstance(step.event, UserVerified)
        assert all(change.before != change.after for change in step.changes)
        assert User.of_facets(after, undo(after.facets(), step.changes)).facets() == user.facets()
        user = after


@given(users())
def test_facets_hold_everything_that_may_change(user: User) -> None:
    assert User.of_facets(creation().user, user.facets()).facets() == user.facets()
    assert User.of_facets(user, user.facets()) == user


def test_the_same_profile_changes_nothing() -> None:
    user = a_user()

    assert user.update(evolve(user.profile), now=NOW + SECOND) is None


def test_an_update_announces_the_fields_that_changed_and_no_others() -> None:
    user = a_user(verification=VERIFIED)

    step = user.update(evolve(user.profile, first_name="Ada", phone_number=None), now=NOW + SECOND)

    assert step is not None
    assert step.event == UserUpdated(user.id, NOW + SECOND, 2, {"first_name": "Ada"})
    assert step.user.verification == VERIFIED


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"email": an_email("new@example.com")}, Verification(None, NOW, NOW)),
        ({"phone_number": "+4930"}, Verification(NOW, None, NOW)),
        ({"phone_number": None}, Verification(NOW, None, NOW)),
        ({"first_name": "Ada"}, VERIFIED),
        ({"email": an_email("Grace@EXAMPLE.com")}, VERIFIED),
    ],
)
def test_a_new_contact_is_not_verified_yet(fields: dict[str, Any], left: Verification) -> None:
    user = a_user(profile=a_profile("grace@example.com", phone_number="+4989"), verification=VERIFIED)

    step = user.update(evolve(user.profile, **fields), now=NOW + SECOND)

    assert step is not None
    assert step.user.verification == left
    assert isinstance(step.event, UserUpdated)
    assert ("verification" in step.event.values) == (left != VERIFIED)


@pytest.mark.parametrize("channel", VerificationChannel)
def test_a_verification_is_announced_with_its_time_and_leaves_the_others(channel: VerificationChannel) -> None:
    user = a_user(verification=VERIFIED)

    step = user.verify(channel, now=NOW + SECOND)

    assert step.event == UserVerified(user.id, channel, NOW + SECOND)
    assert step.user.version == 2
    assert step.user.verification == evolve(VERIFIED, **{channel.value: NOW + SECOND})
    assert [change.field for change in step.changes] == ["verification"]


def test_what_somebody_else_verified_has_the_time_of_theirs() -> None:
    user = a_user()

    step = user.verify(VerificationChannel.IDENTITY, now=NOW + SECOND, at=NOW - SECOND)

    assert step.event == UserVerified(user.id, VerificationChannel.IDENTITY, NOW - SECOND)
    assert (step.user.verification.identity, step.user.updated_at) == (NOW - SECOND, NOW + SECOND)


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (AccountState.DEACTIVATED, UserDeactivatedError),
        (AccountState.MERGED, UserMergedError),
        (AccountState.ERASED, UserErasedError),
    ],
)
def test_only_an_active_account_is_verified(state: AccountState, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        in_state(state).verify(VerificationChannel.EMAIL, now=NOW + SECOND)


def test_a_deactivation_is_announced_and_ends_at_its_time() -> None:
    user = a_user()
    until = NOW + timedelta(days=9)

    step = user.deactivate(
        reason=DeactivationReason.SECURITY_VIOLATION, notes="bad", until=until, now=NOW + SECOND, actor=OPERATOR
    )

    assert step is not None
    assert step.user.status == AccountStatus(
        AccountState.DEACTIVATED,
        since=NOW + SECOND,
        actor=OPERATOR,
        reason=DeactivationReason.SECURITY_VIOLATION,
        notes="bad",
        until=until,
    )
    assert step.event == UserDeactivated(user.id, NOW + SECOND, DeactivationReason.SECURITY_VIOLATION, "bad")


def test_a_reactivation_is_announced_and_leaves_no_end() -> None:
    ended = deactivate(a_user())
    assert ended is not None

    step = reactivate(ended.user, NOW + 2 * SECOND)

    assert step is not None
    assert step.user.status == AccountStatus(AccountState.ACTIVE, since=NOW + 2 * SECOND, actor=OPERATOR, notes="back")
    assert step.event == UserReactivated(ended.user.id, NOW + 2 * SECOND, "back")


def test_deactivating_twice_and_reactivating_twice_is_doing_it_once() -> None:
    ended = deactivate(a_user())
    assert ended is not None

    assert deactivate(ended.user) is None
    assert reactivate(a_user()) is None


def test_a_deactivated_user_takes_no_update() -> None:
    user = in_state(AccountState.DEACTIVATED)

    with pytest.raises(UserDeactivatedError):
        user.update(a_profile(), now=NOW)
    with pytest.raises(UserDeactivatedError):
        user.touch(now=NOW)


@pytest.mark.parametrize(
    ("state", "refusal"), [(AccountState.MERGED, UserMergedError), (AccountState.ERASED, UserErasedError)]
)
@pytest.mark.parametrize(
    "act", [deactivate, reactivate, lambda user: user.update(a_profile(), now=NOW), lambda user: user.touch(now=NOW)]
)
def test_merged_and_erased_users_take_no_step(
    state: AccountState, refusal: type[Exception], act: Callable[[User], object]
) -> None:
    with pytest.raises(refusal):
        act(in_state(state))


def test_a_version_that_is_not_the_current_one_is_stale() -> None:
    user = a_user(version=3)

    user.require_version(None)
    user.require_version(3)
    with pytest.raises(StaleVersionError) as caught:
        user.require_version(2)
    assert caught.value.current == 3


def test_touching_makes_a_version_and_changes_nothing_else() -> None:
    user = a_user()

    assert user.touch(now=NOW + SECOND) == evolve(user, version=2, updated_at=NOW + SECOND)


@pytest.mark.parametrize(
    ("username", "canonical"),
    [("Grace", "grace"), ("Zoë", "zoë"), ("ZOË", "zoË"), ("Grace@Example.com", "grace@example.com")],
)
def test_usernames_are_unique_without_regard_to_ascii_case(username: str, canonical: str) -> None:
    assert a_profile("Grace@Example.com", username=username).canonical_username == canonical


@given(profiles(), users())
def test_the_representation_of_a_profile_shows_no_personal_value(profile: Profile, user: User) -> None:
    assert repr(profile) == "Profile()"
    assert "profile=Profile()" in repr(user)
    assert "notes" not in repr(user.status)


def test_an_erased_user_has_nothing_left_and_history_tells_no_value() -> None:
    user = a_user(verification=VERIFIED, restricted=True, profile=a_profile(phone_number="+4930123456", locale="de"))

    step = user.erase(now=NOW + SECOND, actor=OPERATOR)

    assert step is not None
    assert step.user.profile == Profile.erased(user.id)
    assert step.user.profile.email.address == f"{user.id}@erased.invalid"
    assert (step.user.version, step.user.verification, step.user.restricted) == (2, Verification(), False)
    assert step.user.status == AccountStatus(AccountState.ERASED, since=NOW + SECOND, actor=OPERATOR)
    assert step.event == UserErased(user.id, erased_at=NOW + SECOND)
    assert step.changes == ()
    assert step.user.erase(now=NOW + SECOND, actor=OPERATOR) is None


@pytest.mark.parametrize("state", [AccountState.ACTIVE, AccountState.DEACTIVATED])
def test_a_restriction_is_announced_once_and_can_be_lifted(state: AccountState) -> None:
    user = in_state(state)
    step = user.restrict(on=True, now=NOW + SECOND)
    assert step is not None
    assert isinstance(step.event, UserUpdated)
    assert step.event.values == {"restricted": True}
    assert step.user.restrict(on=True, now=NOW) is None
    with pytest.raises(UserRestrictedError):
        step.user.require_unrestricted()
    lifted = step.user.restrict(on=False, now=NOW + SECOND)
    assert lifted is not None
    lifted.user.require_unrestricted()


@pytest.mark.parametrize(
    ("state", "error"), [(AccountState.MERGED, UserMergedError), (AccountState.ERASED, UserErasedError)]
)
def test_only_data_that_is_kept_is_restricted(state: AccountState, error: type[Exception]) -> None:
    with pytest.raises(error):
        in_state(state).restrict(on=True, now=NOW)


def test_a_deactivated_account_is_changed_where_the_person_asks_by_law() -> None:
    user = in_state(AccountState.DEACTIVATED)
    profile = evolve(user.profile, last_name="Murray")
    with pytest.raises(UserDeactivatedError):
        user.update(profile, now=NOW)
    step = user.update(profile, now=NOW, as_asked=True)
    assert step is not None
    assert step.user.status.state is AccountState.DEACTIVATED
