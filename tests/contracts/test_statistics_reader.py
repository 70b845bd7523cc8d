"""What every StatisticsReader promises."""

from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve

from tests.builders import NOW, a_profile, creation, in_state
from tests.contracts.footprints import must_commit
from tests.facts import heard, points
from usercore.statistics.values import Counted, Period
from usercore.users.model import Verification
from usercore.users.ports import Change
from usercore.users.values import AccountState, Address, VerificationChannel
from usercore.wiring.core import Ports

CREATED = {
    AccountState.ACTIVE: datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC),  # a Sunday
    AccountState.DEACTIVATED: datetime(2026, 3, 2, tzinfo=UTC),
    AccountState.MERGED: datetime(2026, 2, 28, tzinfo=UTC),
    AccountState.ERASED: datetime(2025, 12, 31, tzinfo=UTC),
}


async def people(ports: Ports) -> list[Change]:
    """Commit a user in each state, and six more active ones with this and that."""
    changes = [in_state(creation(now=at), state) for state, at in CREATED.items()]
    for place, country in enumerate(("US", "DE", "DE", None, "US", "FR")):
        lives = Address(city="Rome", country=country) if place != 3 else None
        change = creation(a_profile(address=lives, locale="de" if place < 4 else "en"), now=NOW)
        verified = Verification(email=NOW if place else None, phone=NOW if place > 4 else None)
        changes.append(evolve(change, user=evolve(change.user, verification=verified, restricted=place == 5)))
    await must_commit(ports, *changes)
    return changes


async def test_users_are_counted_by_what_they_have(ports: Ports) -> None:
    changes = await people(ports)
    ids = [change.user.id for change in changes[4:]]
    told = [heard(points(f"p{place}", user_id, 60)) for place, user_id in enumerate((*ids[:3], ids[0]))]
    await ports.activity_writer.record(told)

    census = await ports.statistics.census(share=1, limits=(0, 60, 100), top=2)

    assert census.counted == len(changes)
    assert census.states == {state: 7 if state is AccountState.ACTIVE else 1 for state in AccountState}
    assert census.restricted == 1
    assert census.verified == {
        VerificationChannel.EMAIL: 5,
        VerificationChannel.PHONE: 1,
        VerificationChannel.IDENTITY: 0,
    }
    assert census.tiers == (5, 2, 1)
    assert census.countries == (Counted("DE", 2), Counted("US", 2), Counted(None, 3))
    assert census.locales == (Counted("de", 4), Counted("en", 2), Counted(None, 2))


async def test_nobody_at_all_is_counted_as_that(ports: Ports) -> None:
    census = await ports.statistics.census(share=1, limits=(0, 10), top=3)

    assert (census.counted, census.tiers, census.topics, census.countries) == (0, (0, 0), {}, ())
    assert await ports.statistics.size() == 0
    assert await ports.statistics.created(Period.DAY, NOW.date()) == {}


@pytest.mark.parametrize(
    ("period", "since", "expected"),
    [
        (Period.DAY, date(2026, 2, 28), {date(2026, 2, 28): 1, date(2026, 3, 1): 7, date(2026, 3, 2): 1}),
        (Period.DAY, date(2026, 3, 2), {date(2026, 3, 2): 1}),
        (Period.WEEK, date(2026, 2, 23), {date(2026, 2, 23): 8, date(2026, 3, 2): 1}),
        (Period.MONTH, date(2025, 12, 1), {date(2025, 12, 1): 1, date(2026, 2, 1): 1, date(2026, 3, 1): 8}),
    ],
)
async def test_the_created_are_counted_by_periods_in_utc_whatever_became_of_them(
    ports: Ports, period: Period, since: date, expected: dict[date, int]
) -> None:
    await people(ports)

    assert await ports.statistics.created(period, since) == expected
    assert all(period.begin(begin) == begin for begin in expected)
    assert period.before(period.begin(since)) == period.begin(period.begin(since) - timedelta(days=1))
