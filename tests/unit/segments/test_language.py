"""The filter language: what it reads, how it writes it, and what it refuses."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conditions import filters
from tests.strategies import NASTY
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.kernel.errors import UserCoreError
from usercore.segments.errors import SegmentInvalidError
from usercore.segments.parser import parse
from usercore.segments.printer import canonical, settled_text
from usercore.segments.settling import Circumstances, settled
from usercore.segments.syntax import FILTER_MAX_CHARS, Filter
from usercore.users.conditions import And, Comparison, Condition, Field, Not, Operator, Or, leaves

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def meaning(text: str, now: datetime = NOON) -> Condition:
    return settled(parse(text), Circumstances(now, ValidatedEmailRules()))


@given(filters())
def test_what_is_written_is_read_again_as_the_same(tree: Filter) -> None:
    text = canonical(tree)

    assert text.isprintable()
    assert parse(text) == tree
    assert canonical(parse(text)) == text


_WORDS = st.sampled_from([*"()=<>!,.-+\"'\\", " ", "and", "not", "in", "now", "7", "age", "status"])


@settings(max_examples=300)
@given(st.text() | st.lists(_WORDS).map("".join))
def test_any_text_is_a_filter_or_is_refused_with_its_place(text: str) -> None:
    position: int | None = 1
    try:
        parse(text)
    except SegmentInvalidError as error:
        position = error.position

    assert position in range(1, len(text) + 2)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("status=ACTIVE", 'status = "ACTIVE"'),
        ("STATUS = 'x'", None),
        ("status = 'ACTIVE' AND restricted = FALSE", 'status = "ACTIVE" and restricted = false'),
        ("age>=18 or age<6 and age!=3", "age >= 18 or age < 6 and age != 3"),
        ("(age>=18 or age<6) and age!=3", "(age >= 18 or age < 6) and age != 3"),
        ("((age = 18))", "age = 18"),
        ("not (age = 1 or age = 2)", "not (age = 1 or age = 2)"),
        ("age not in (1,2.0)", "not age in (1, 2)"),
        ("phoneNumber NOT EXISTS", "not phoneNumber exists"),
        ("firstName starts with 'Gr'", 'firstName starts with "Gr"'),
        ("attributes.plan.tier-1 contains 'a\\u0062'", 'attributes.plan.tier-1 contains "ab"'),
        ('attributes."a.b" = -1.50', 'attributes."a.b" = -1.5'),
        ("orders.total.EUR > -0.0", "orders.total.EUR > 0"),
        ("createdAt > now-30days", "createdAt > now - 30 days"),
        ("createdAt > now - 1 DAYS", "createdAt > now - 1 day"),
        ("createdAt < 2026-01-31", "createdAt < 2026-01-31"),
        ("createdAt < 2026-01-31T12:00:00+02:00", "createdAt < 2026-01-31T10:00:00Z"),
        ("firstName = 'a\"b\\\\c'", 'firstName = "a\\"b\\\\c"'),
        ("firstName = 'a\\tb\\u202e'", 'firstName = "a\\tb\\u202e"'),
        ("firstName = '\\ud83d\\ude00'", 'firstName = "😀"'),
        ("loyalty.tier > SILVER", 'loyalty.tier > "SILVER"'),
    ],
)
def test_the_canonical_form(text: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(SegmentInvalidError):
            parse(text)
    else:
        assert canonical(parse(text)) == written


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("", 1, "syntax"),
        ("   ", 4, "syntax"),
        ("status", 7, "syntax"),
        ("status = ", 10, "type"),
        ("status = ACTIVE ACTIVE", 17, "syntax"),
        ("status = ACTIVE and", 20, "syntax"),
        ("(status = ACTIVE", 17, "syntax"),
        ("status = ACTIVE)", 16, "syntax"),
        ("status = MERGED", 10, "word"),
        ("status > ACTIVE", 8, "operator"),
        ("status == ACTIVE", 9, "type"),
        ("stauts = ACTIVE", 1, "unknown_field"),
        ("attributes = 1", 1, "unknown_field"),
        ("orders.total.eur > 1", 1, "key"),
        ("emailPreferences.No = true", 1, "key"),
        ("age = '18'", 7, "type"),
        ("age in 18", 8, "syntax"),
        ("age in ()", 9, "type"),
        ("age in (18, '19')", 13, "type"),
        ("attributes.x in (18, '19')", 22, "type"),
        ("attributes.x < true", 16, "type"),
        ("attributes.x contains 3", 23, "type"),
        ("createdAt > now - 0 days", 19, "type"),
        ("createdAt > now - 3 moons", 21, "type"),
        ("createdAt > 2026-02-30", 13, "time"),
        ("createdAt > 2026-02-03T10:00:00", 13, "time"),
        ("createdAt = 2026-02-03", 11, "operator"),
        ("birthDate > 2026-02-03T10:00:00Z", 13, "type"),
        ("restricted = 'true'", 14, "type"),
        ("firstName = Grace", 13, "type"),
        ("firstName = 'Grace", 13, "text_unclosed"),
        ("firstName = 'a\\x'", 15, "escape"),
        ("firstName = '\\u0000'", 13, "text_not_storable"),
        ("firstName = '\\ud800'", 13, "text_not_storable"),
        ("firstName ; 'x'", 11, "character"),
        ("not", 4, "syntax"),
        ("firstName not = 'x'", 15, "syntax"),
        ("firstName starts 'x'", 18, "syntax"),
        ("(" * 21 + "age = 1" + ")" * 21, 21, "too_deep"),
        ("not " * 20 + "age = 1", 81, "too_deep"),
        (" or ".join(["age = 1"] * 51), 551, "too_many"),
        ("age in (" + ",".join("1" * 201) + ")", 409, "too_many"),
        ("age = 1" + " " * FILTER_MAX_CHARS, FILTER_MAX_CHARS + 1, "too_long"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, position: int, code: str) -> None:
    with pytest.raises(SegmentInvalidError) as caught:
        parse(text)

    [violation] = caught.value.violations
    assert (caught.value.position, violation.code) == (position, code)
    assert violation.detail.startswith(f"at character {position}: ")


@pytest.mark.parametrize(
    ("text", "position", "code"),
    [
        ("email = 'grace'", 9, "email_invalid"),
        ("email in ('a@example.com', 'grace')", 28, "email_invalid"),
        ("email.domain = 'a b'", 16, "email_invalid"),
        ("phoneNumber = '0171'", 15, "phone_not_e164"),
        ("age >= 17.5", 8, "age"),
        ("age in (3, 900)", 12, "age"),
        ("age = 201", 7, "age"),
        ("loyalty.tier in (GOLD, TIN)", 24, "word"),
        ("createdAt > now - 9000 years", 13, "time"),
        ("createdAt > now + 99999 months", 13, "time"),
    ],
)
def test_what_a_value_cannot_be_is_told_with_its_place(text: str, position: int, code: str) -> None:
    with pytest.raises(SegmentInvalidError) as caught:
        meaning(text)

    [violation] = caught.value.violations
    assert (caught.value.position, violation.code) == (position, code)


@pytest.mark.parametrize("secret", ["grace@example.com", "+4930123456", *NASTY[:3]])
@pytest.mark.parametrize("template", ["{} = 1", "email = {}", "age = '{}'", "email = '{}", "status = '{}'", "age {}"])
def test_no_error_repeats_what_was_written(template: str, secret: str) -> None:
    try:
        meaning(template.format(secret))
    except UserCoreError as error:
        told = repr(error) + str(error)
        assert not any(len(part) > 2 and part in told for part in secret.split())


def test_times_are_counted_from_now_by_the_calendar() -> None:
    def at(text: str) -> object:
        found = meaning(f"createdAt > {text}")
        assert isinstance(found, Comparison)
        return found.value

    assert at("now") == NOON
    assert at("now - 90 minutes") == datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    assert at("now - 2 weeks") == datetime(2026, 3, 17, 12, tzinfo=UTC)
    assert at("now - 1 month") == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert at("now + 11 months") == datetime(2027, 2, 28, 12, tzinfo=UTC)
    assert at("now - 2 years") == datetime(2024, 3, 31, 12, tzinfo=UTC)
    assert at("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert meaning("birthDate <= now - 18 years") == Comparison(Field.BIRTH_DATE, Operator.AT_MOST, date(2008, 3, 31))


@pytest.mark.parametrize("today", [date(2026, 3, 31), date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1)])
def test_an_age_is_in_completed_years(today: date) -> None:
    """Who was born on 29 February is a year older on 1 March where there is no such day."""
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    for born in (date(2004, 2, 28), date(2004, 2, 29), date(2004, 3, 1), date(2004, 3, 31), date(2005, 4, 1)):
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        for years in range(18, 24):
            for sign, holds in (
                ("=", age == years),
                ("!=", age != years),
                ("<", age < years),
                ("<=", age <= years),
                (">", age > years),
                (">=", age >= years),
                ("in", age == years),
            ):
                value = f"({years})" if sign == "in" else years
                assert born_so(meaning(f"age {sign} {value}", noon), born) is holds


def born_so(condition: Condition, born: date) -> bool:
    match condition:
        case And(parts):
            return all(born_so(part, born) for part in parts)
        case Or(parts):
            return any(born_so(part, born) for part in parts)
        case Not(part):
            return not born_so(part, born)
        case Comparison(Field.BIRTH_DATE, operator, date() as day):
            return {"<=": born <= day, ">": born > day, "<": born < day, ">=": born >= day}[operator.value]
        case _:
            raise AssertionError(condition)


def test_a_part_of_a_name_is_taken_as_it_is_written() -> None:
    assert meaning("email contains 'Grace@'") == Comparison(Field.EMAIL, Operator.CONTAINS, "Grace@")
    assert meaning("email.domain starts with 'Ex'") == Comparison(Field.EMAIL_DOMAIN, Operator.STARTS_WITH, "Ex")
    assert meaning("phoneNumber contains '0171'") == Comparison(Field.PHONE_NUMBER, Operator.CONTAINS, "0171")


def test_a_filter_may_be_as_long_and_have_as_much_as_is_allowed() -> None:
    longest = "age = 1".ljust(FILTER_MAX_CHARS)
    assert parse(longest) == parse("age = 1")
    assert len(list(leaves(parse(" or ".join(["age = 1"] * 50))))) == 50
    assert parse("(" * 19 + "age = 1" + ")" * 19) == parse("age = 1")
    [clause] = leaves(parse("age in (" + ",".join("1" * 200) + ")"))
    assert len(clause.values) == 200


@pytest.mark.parametrize(
    ("text", "settled_to"),
    [
        ("createdAt > now - 1 day", "createdAt > 2026-03-30T12:00:00Z"),
        ("loyalty.tier = GOLD", "loyalty.lifetime >= 5000 and loyalty.lifetime < 20000"),
        ("not (age < 18 or status in (ACTIVE))", 'not (birthDate > 2008-03-31 or status in ("ACTIVE"))'),
        ("orders.total.EUR in (1, 2.50)", "orders.total.EUR in (1, 2.5)"),
        ("attributes.'a b' exists", 'attributes."a b" exists'),
        ("email = ' Grace@EXAMPLE.com'", 'email = "grace@example.com"'),
    ],
)
def test_what_a_filter_comes_down_to_is_written_as_a_filter(text: str, settled_to: str) -> None:
    assert settled_text(meaning(text)) == settled_to
    assert meaning(settled_to) == meaning(text)


def test_a_tier_is_a_range_of_points() -> None:
    def points(operator: Operator, number: int) -> Comparison:
        return Comparison(Field.LOYALTY_POINTS, operator, Decimal(number))

    gold: Condition = And((points(Operator.AT_LEAST, 5_000), points(Operator.LESS, 20_000)))
    assert meaning("loyalty.tier = GOLD") == gold
    assert meaning("loyalty.tier != GOLD") == Not(gold)
    assert meaning("loyalty.tier >= GOLD") == points(Operator.AT_LEAST, 5_000)
    assert meaning("loyalty.tier > GOLD") == points(Operator.AT_LEAST, 20_000)
    assert meaning("loyalty.tier < GOLD") == points(Operator.LESS, 5_000)
    assert meaning("loyalty.tier <= GOLD") == points(Operator.LESS, 20_000)
    assert meaning("loyalty.tier > PLATINUM") == points(Operator.AT_LEAST, 10**30)


def test_names_are_compared_in_the_form_under_which_they_are_unique() -> None:
    assert meaning("email = ' Grace@EXAMPLE.com'") == Comparison(Field.EMAIL, Operator.EQUAL, "grace@example.com")
    assert meaning("email.domain in ('Bücher.example')") == Comparison(
        Field.EMAIL_DOMAIN, Operator.IN, ("xn--bcher-kva.example",)
    )
    assert meaning("phoneNumber = '4930123456'") == Comparison(Field.PHONE_NUMBER, Operator.EQUAL, "+4930123456")
    assert meaning("phoneNumber starts with '+49'") == Comparison(Field.PHONE_NUMBER, Operator.STARTS_WITH, "+49")


@pytest.mark.parametrize(
    ("operator", "value", "keys"),
    [
        (Operator.LESS, "a", ()),
        (Operator.EQUAL, 1, ()),
        (Operator.EQUAL, "a\x00", ()),
        (Operator.EQUAL, "a", ("key",)),
        (Operator.IN, (), ()),
        (Operator.IN, ("a", Decimal(1)), ()),
        (Operator.IN, "a", ()),
        (Operator.EQUAL, ("a",), ()),
        (Operator.EXISTS, "a", ()),
    ],
)
def test_a_comparison_that_no_store_could_make_is_none(
    operator: Operator, value: object, keys: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"cannot be compared so|wrong keys"):
        Comparison(Field.CITY, operator, value, keys)  # type: ignore[arg-type]
