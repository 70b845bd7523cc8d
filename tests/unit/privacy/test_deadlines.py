"""Deadlines are right: months clamped, days counted in the company's zone, leap years and clock changes included."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import UTC as DATEUTIL_UTC
from dateutil.tz import gettz, resolve_imaginary
from hypothesis import given
from hypothesis import strategies as st

from usercore.privacy.requests.deadlines import add_months, due_at, end_of
from usercore.privacy.requests.values import Jurisdiction, RequestKind

GDPR, CCPA = Jurisdiction.GDPR, Jurisdiction.CCPA
MICROSECOND = timedelta(microseconds=1)

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2037, 6, 30), timezones=st.just(UTC))  # noqa: DTZ001 -- aware by it
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
kinds = st.sampled_from(RequestKind)


def due(day: str, jurisdiction: Jurisdiction = GDPR, *, extended: bool = False, kind: str = "ACCESS") -> str:
    received = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return due_at(RequestKind(kind), jurisdiction, received, UTC, extended=extended).date().isoformat()


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2100-01-31", "2100-02-28"),
        ("2026-01-28", "2026-02-28"),
        ("2026-02-28", "2026-03-28"),
        ("2028-02-29", "2028-03-29"),
        ("2026-03-31", "2026-04-30"),
        ("2026-12-31", "2027-01-31"),
        ("2026-06-15", "2026-07-15"),
    ],
)
def test_one_month_ends_on_the_same_day_or_on_the_last_of_a_shorter_month(received: str, last: str) -> None:
    assert due(received) == last


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-01-31", "2026-04-30"),
        ("2025-11-30", "2026-02-28"),
        ("2027-11-30", "2028-02-29"),
        ("2026-10-01", "2027-01-01"),
    ],
)
def test_two_further_months_are_three_from_the_receipt(received: str, last: str) -> None:
    assert due(received, extended=True) == last


def test_california_gives_45_days_and_45_more_and_15_for_an_opt_out_of_sale() -> None:
    assert due("2026-01-31", CCPA) == "2026-03-17"
    assert due("2028-01-31", CCPA) == "2028-03-16"
    assert due("2026-01-31", CCPA, extended=True) == "2026-05-01"
    assert due("2026-01-31", CCPA, kind="OPT_OUT_OF_SALE") == "2026-02-15"
    assert due("2026-01-31", CCPA, kind="OPT_OUT_OF_SALE", extended=True) == "2026-02-15"


def test_a_weekend_at_the_end_puts_nothing_off() -> None:
    assert date.fromisoformat(due("2026-01-28")).strftime("%A") == "Saturday"
    assert due("2026-01-28") == "2026-02-28"


@given(days, st.integers(0, 40))
def test_months_are_those_of_dateutil(day: date, months: int) -> None:
    assert add_months(day, months) == day + relativedelta(months=months)


@given(moments, zones, st.booleans())
def test_a_gdpr_deadline_is_the_last_of_the_day_that_dateutil_finds(
    received: datetime, zone: ZoneInfo, extended: bool
) -> None:
    local = received.astimezone(zone).date()
    last = local + relativedelta(months=3 if extended else 1)
    assert due_at(RequestKind.ERASURE, GDPR, received, zone, extended=extended) == end_of(last, zone)


@given(moments, zones, st.booleans())
def test_a_ccpa_deadline_is_the_last_of_the_day_that_dateutil_finds(
    received: datetime, zone: ZoneInfo, extended: bool
) -> None:
    last = received.astimezone(zone).date() + relativedelta(days=90 if extended else 45)
    assert due_at(RequestKind.ERASURE, CCPA, received, zone, extended=extended) == end_of(last, zone)


@given(days.filter(lambda day: day.year < 2037), st.sampled_from(sorted(available_timezones())))
def test_a_day_ends_where_the_next_one_begins_there_as_dateutil_has_it(day: date, name: str) -> None:
    oracle = gettz(name)
    assert oracle is not None
    midnight = datetime.combine(day + timedelta(days=1), time(), oracle)
    begins = resolve_imaginary(midnight).astimezone(DATEUTIL_UTC)
    ends = end_of(day, ZoneInfo(name)) + MICROSECOND
    # Where a zone changed in other seconds than whole minutes, dateutil rounds.
    assert abs(ends - begins) < timedelta(minutes=1)


@given(days, zones)
def test_the_last_moment_of_a_day_is_in_it_and_the_next_is_not(day: date, zone: ZoneInfo) -> None:
    last = end_of(day, zone)
    assert last.astimezone(zone).date() <= day
    assert (last + MICROSECOND).astimezone(zone).date() > day


@given(moments, zones, kinds, st.sampled_from(Jurisdiction), st.booleans())
def test_a_deadline_is_after_the_receipt_and_an_extension_never_shortens_it(
    received: datetime, zone: ZoneInfo, kind: RequestKind, law: Jurisdiction, extended: bool
) -> None:
    first = due_at(kind, law, received, zone)
    assert first > received + timedelta(days=13)
    assert due_at(kind, law, received, zone, extended=True) >= first
    assert first.tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "zone", "last"),
    [
        # Clocks went from midnight to one o'clock: the day before ended at the change.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        # Clocks went back at midnight: the day had 25 hours.
        ("2018-02-17", "America/Sao_Paulo", "2018-02-18T03:00:00+00:00"),
        # Clocks went back from one o'clock to midnight: the next day begins the first time it is midnight.
        ("2024-11-02", "America/Havana", "2024-11-03T04:00:00+00:00"),
        # There was no 30 December 2011 in Samoa.
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
    ],
)
def test_days_end_rightly_where_clocks_change(day: str, zone: str, last: str) -> None:
    assert end_of(date.fromisoformat(day), ZoneInfo(zone)) + MICROSECOND == datetime.fromisoformat(last)


def test_the_day_of_receipt_is_that_of_the_companys_zone() -> None:
    received = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)
    berlin = due_at(RequestKind.ACCESS, GDPR, received, ZoneInfo("Europe/Berlin"))
    assert berlin == datetime(2026, 2, 28, 22, 59, 59, 999999, tzinfo=UTC)
    ahead = due_at(RequestKind.ACCESS, GDPR, datetime(2026, 2, 28, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert ahead.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 4, 1)
