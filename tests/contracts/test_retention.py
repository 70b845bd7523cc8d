"""What retention promises: what is old goes, what is held stays, and whoever does not use an account is told first."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import IDS, NOW, OPERATOR, SetClock, a_context, a_profile, creation
from tests.contracts.footprints import must_commit
from tests.facts import order, record
from tests.letters import a_letter, a_message
from usercore.delivery.values import Operation, Recipient
from usercore.kernel.ids import UserId
from usercore.kernel.reasons import ReasonInvalidError
from usercore.messaging.values import DeadLetterState, Settlement
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.ports import RequestFilter
from usercore.privacy.requests.values import RequestKind, RequestState
from usercore.privacy.retention.errors import RetentionUnderWayError
from usercore.privacy.retention.values import Due, InactivityRule, Kept, ReportLine, Schedule, Step
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.update_user import UpdateUserCommand
from usercore.users.values import AccountState, DeactivationReason
from usercore.wiring.core import Core, Ports, assemble
from usercore.wiring.memory import memory_ports

DAY = timedelta(days=1)
MONTH = 30 * DAY
RULE = InactivityRule(after=100 * DAY, grace=MONTH, erasure=60 * DAY)


def core_of(ports: Ports, clock: SetClock, schedule: Schedule) -> Core:
    return assemble(evolve(ports, clock=clock), retention=schedule)


async def run(core: Core) -> Mapping[str, tuple[int, int]]:
    """Run the schedule, and return for each rule what was due and what was done."""
    lines = await core.run_retention("clean-up", a_context(), lambda _, __: None)
    return {line.rule.value: (line.due.count, line.done) for line in lines}


async def held(ports: Ports, user_id: UserId) -> None:
    await ports.holds.place(
        LegalHold(user_id, "case-1", "a claim", NOW, OPERATOR), event_id=IDS.event_id(), context=a_context()
    )


async def a_user(ports: Ports, **fields: object) -> User:
    change = creation(a_profile(), **fields)  # type: ignore[arg-type]
    await must_commit(ports, change)
    return change.user


async def letters(ports: Ports, ages: Sequence[int], user_id: str | None = None) -> None:
    """Bury letters that died so many days ago."""
    for age in ages:
        message = a_message(key=user_id and user_id.encode())
        await ports.dead_letters.add([a_letter(message, died_at=NOW - age * DAY)])


async def test_letters_that_waited_too_long_go_the_others_stay(ports: Ports) -> None:
    await letters(ports, [10, 29, 31, 90])
    core = core_of(ports, SetClock(), Schedule({Kept.WAITING_DEAD_LETTERS: MONTH, Kept.SETTLED_DEAD_LETTERS: DAY}))

    [waiting, settled] = await core.review_retention()
    assert waiting == ReportLine(Kept.WAITING_DEAD_LETTERS, MONTH, Due(2, NOW - 90 * DAY), 0)
    assert settled == ReportLine(Kept.SETTLED_DEAD_LETTERS, DAY, Due(0), 0)
    assert await run(core) == {"waiting_dead_letters": (2, 2), "settled_dead_letters": (0, 0)}
    assert await ports.dead_letters.count_waiting() == 2
    assert await run(core) == {"waiting_dead_letters": (0, 0), "settled_dead_letters": (0, 0)}


async def test_a_settled_letter_is_judged_by_when_it_was_settled(ports: Ports) -> None:
    one, other = a_letter(died_at=NOW - 90 * DAY), a_letter(died_at=NOW - 90 * DAY)
    await ports.dead_letters.add([one, other])
    for letter, age in ((one, 5), (other, 40)):
        await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, Settlement(NOW - age * DAY, "x", "y"))

    assert await run(core_of(ports, SetClock(), Schedule({Kept.SETTLED_DEAD_LETTERS: MONTH}))) == {
        "settled_dead_letters": (1, 1)
    }
    assert await ports.dead_letters.get(other.id) is None
    assert await ports.dead_letters.get(one.id) is not None


async def test_what_is_old_and_held_stays_and_is_counted(ports: Ports) -> None:
    kept, other = await a_user(ports), await a_user(ports)
    await held(ports, kept.id)
    for user in (kept, other):
        await letters(ports, [50], user.id)
        await record(ports, order(f"old-{user.id}", user.id, at=NOW - 50 * DAY), order(f"new-{user.id}", user.id))
    core = core_of(ports, SetClock(), Schedule({Kept.WAITING_DEAD_LETTERS: MONTH, Kept.ACTIVITY: MONTH}))

    assert [line.due for line in await core.review_retention()] == [
        Due(1, NOW - 50 * DAY, held=1),
        Due(1, NOW - 50 * DAY, held=1),
    ]
    assert await run(core) == {"waiting_dead_letters": (1, 1), "activity": (1, 1)}
    assert await ports.dead_letters.count_waiting() == 1
    left = [len((await core.read_activity(user.id)).page.items) for user in (kept, other)]
    assert left == [2, 1]

    await ports.holds.release(
        kept.id, "case-1", Release(NOW, OPERATOR, "settled"), event_id=IDS.event_id(), context=a_context()
    )
    assert await run(core) == {"waiting_dead_letters": (1, 1), "activity": (1, 1)}


async def states(ports: Ports, *users: User) -> list[tuple[AccountState, DeactivationReason | None]]:
    found = await ports.users.get_many([user.id for user in users])
    return [(found[user.id].status.state, found[user.id].status.reason) for user in users]


async def notices(ports: Ports) -> list[UserId]:
    told: list[UserId] = []
    late = NOW + 10_000 * DAY
    while due := await ports.deliveries.claim(
        recipient=Recipient.NOTIFICATION, now=late, lease_until=late + DAY, limit=100
    ):
        told += [one.user_id for one in due if one.operation is Operation.SEND_INACTIVITY_NOTICE]
        await ports.deliveries.acknowledge(due, now=late)
    return told


async def test_an_unused_account_is_warned_then_deactivated_then_its_erasure_is_asked_for(ports: Ports) -> None:
    clock = SetClock()
    unused, used = await a_user(ports), await a_user(ports)
    core = core_of(ports, clock, Schedule(inactivity=RULE))
    quiet = dict.fromkeys(("inactivity_notice", "inactivity_deactivation", "inactivity_erasure"), (0, 0))
    assert await run(core) == quiet

    clock.advance(days=90)
    await core.update_user(UpdateUserCommand(used.id, ProfilePatch(first_name="Busy")), a_context())
    clock.advance(days=11)
    assert await run(core) == quiet | {"inactivity_notice": (1, 1)}
    assert await run(core) == quiet
    clock.advance(days=29)
    assert await run(core) == quiet
    clock.advance(days=2)
    assert await run(core) == quiet | {"inactivity_deactivation": (1, 1)}
    assert await states(ports, unused, used) == [
        (AccountState.DEACTIVATED, DeactivationReason.INACTIVITY),
        (AccountState.ACTIVE, None),
    ]
    clock.advance(days=61)
    done = await run(core)
    assert done["inactivity_erasure"] == (1, 1)
    [request] = (await ports.privacy_requests.page(RequestFilter(unused.id), after=None, limit=5)).items
    assert (request.kind, request.state) == (RequestKind.ERASURE, RequestState.ACCEPTED)
    assert (await run(core))["inactivity_erasure"] == (0, 0)


async def test_an_account_that_is_used_after_its_notice_is_left_alone_and_warned_anew(ports: Ports) -> None:
    clock = SetClock()
    by_change, by_fact = await a_user(ports), await a_user(ports)
    core = core_of(ports, clock, Schedule(inactivity=RULE))
    clock.advance(days=101)
    assert (await run(core))["inactivity_notice"] == (2, 2)
    clock.advance(days=10)
    await core.update_user(UpdateUserCommand(by_change.id, ProfilePatch(first_name="Back")), a_context())
    await record(ports, order("o-1", by_fact.id, at=clock.now()))
    clock.advance(days=50)
    assert set((await run(core)).values()) == {(0, 0)}
    clock.advance(days=51)
    assert (await run(core))["inactivity_notice"] == (2, 2)
    assert await states(ports, by_change, by_fact) == [(AccountState.ACTIVE, None)] * 2


async def test_held_and_restricted_accounts_are_left_alone_and_counted(ports: Ports) -> None:
    clock = SetClock()
    on_hold, restricted = await a_user(ports), await a_user(ports)
    await held(ports, on_hold.id)
    core = core_of(ports, clock, Schedule(inactivity=RULE))
    found = await ports.users.get_many([restricted.id])
    step = found[restricted.id].restrict(on=True, now=NOW)
    assert step is not None
    change = evolve(creation(), user=step.user, event=step.event, changes=step.changes, event_id=IDS.event_id())
    await must_commit(ports, change)
    clock.advance(days=200)

    assert (await core.review_retention())[0].due == Due(0, None, held=2)
    assert set((await run(core)).values()) == {(0, 0)}
    assert await notices(ports) == []


async def test_the_person_is_told_when_the_account_will_be_deactivated(ports: Ports) -> None:
    clock = SetClock()
    user = await a_user(ports)
    clock.advance(days=101)
    await run(core_of(ports, clock, Schedule(inactivity=RULE)))
    assert await notices(ports) == [user.id]


async def test_only_one_runs_the_schedule_and_one_that_died_keeps_others_for_a_while(ports: Ports) -> None:
    clock = SetClock()
    core = core_of(ports, clock, Schedule({Kept.WAITING_DEAD_LETTERS: MONTH}))
    assert await ports.retention.lease(now=NOW, until=NOW + timedelta(minutes=15))

    with pytest.raises(RetentionUnderWayError):
        await run(core)
    assert list(await core.run_retention.when_due(DAY, a_context())) == []
    clock.advance(minutes=15)
    assert await run(core) == {"waiting_dead_letters": (0, 0)}
    assert list(await core.run_retention.when_due(DAY, a_context())) == []
    clock.advance(days=1)
    assert len(await core.run_retention.when_due(DAY, a_context())) == 1


async def test_a_run_needs_a_reason(ports: Ports) -> None:
    core = core_of(ports, SetClock(), Schedule({Kept.WAITING_DEAD_LETTERS: MONTH}))
    with pytest.raises(ReasonInvalidError):
        await core.run_retention(" ", a_context(), lambda _, __: None)
    assert await ports.retention.last_run() is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=12),
    st.integers(1, 80),
    st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=6),
)
async def test_a_dry_run_says_what_the_run_then_does(
    buried: list[tuple[int, bool]], days: int, people: list[tuple[int, bool]]
) -> None:
    ports, clock = memory_ports(), SetClock(NOW + 300 * DAY)
    for age, is_held in people:
        user = await a_user(ports, now=clock.now() - age * DAY)
        if is_held:
            await held(ports, user.id)
    for age, settled in buried:
        letter = a_letter(died_at=clock.now() - age * DAY)
        await ports.dead_letters.add([letter])
        if settled:
            at: datetime = letter.died_at
            await ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, Settlement(at, "x", "y"))
    kept = {Kept.WAITING_DEAD_LETTERS: days * DAY, Kept.SETTLED_DEAD_LETTERS: days * DAY}
    core = core_of(ports, clock, Schedule(kept, RULE))

    dry = await core.review_retention()
    done = await core.run_retention("clean-up", a_context(), lambda _, __: None)

    assert [line.due for line in done] == [line.due for line in dry]
    assert [line.done for line in done] == [line.due.count for line in dry]
    assert isinstance(dry[-1].rule, Step)
