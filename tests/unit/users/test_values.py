"""The rules of single values."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import an_email
from tests.strategies import lines
from usercore.users.values import (
    EmailAddress,
    ValueRejectedError,
    check_password,
    fold_ascii,
    parse_birth_date,
    parse_locale,
    parse_phone,
    parse_text,
    parse_time_zone,
    parse_username,
)

TODAY = date(2026, 3, 1)


def code_of(parse: Callable[[], object]) -> str:
    with pytest.raises(ValueRejectedError) as caught:
        parse()
    assert caught.value.detail
    return caught.value.code


@given(lines(50))
def test_a_trimmed_line_is_kept_as_it_is(text: str) -> None:
    assert parse_text(f" \t{text}\n ", max_chars=50) == text


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "too_short"),
        (" \u3000\u00a0", "too_short"),
        ("x" * 6, "too_long"),
        ("a\x00b", "control_character"),
        ("a\nb", "control_character"),
        ("a\u0085b", "control_character"),
        ("a\u2028b", "control_character"),
        ("a\ud800b", "control_character"),
        ("a\x7fb", "control_character"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused(raw: str, code: str) -> None:
    assert code_of(lambda: parse_text(raw, max_chars=5)) == code


def test_length_counts_after_trimming_and_by_characters() -> None:
    assert parse_text("  12345  ", max_chars=5) == "12345"
    assert parse_text("👩" * 5, max_chars=5) == "👩" * 5
    assert parse_text("", max_chars=5, min_chars=0) == ""


@pytest.mark.parametrize("raw", ["+4930123456", "4930123456", " +4930123456 "])
def test_a_phone_number_becomes_e164(raw: str) -> None:
    assert parse_phone(raw) == "+4930123456"


@pytest.mark.parametrize(
    "raw", ["", "+", "+0123", "0049301", "+49 30 1", "+1", "1", f"+1{'0' * 15}", "+١٢٣", "++49301", "+49301\n0"]
)
def test_what_is_no_e164_number_is_refused(raw: str) -> None:
    assert code_of(lambda: parse_phone(raw)) == "phone_not_e164"


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("en", "en"),
        ("EN-gb", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("sr-LATN", "sr-Latn"),
        ("es-419", "es-419"),
        ("de-ch-1901", "de-CH-1901"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("en-U-CA-Gregory", "en-u-ca-gregory"),
        ("de-x-AB", "de-x-ab"),
    ],
)
def test_a_language_tag_gets_its_conventional_case(raw: str, tag: str) -> None:
    assert parse_locale(raw) == tag
    assert parse_locale(tag) == tag


@pytest.mark.parametrize(
    "raw", ["", "e", "en_GB", "en-", "-en", "en--GB", "123", "abcdefghi", "en-a", "én", "en-" + "x" * 40]
)
def test_what_is_no_language_tag_is_refused(raw: str) -> None:
    assert code_of(lambda: parse_locale(raw)) == "locale_not_bcp47"


def test_a_time_zone_is_named_by_the_iana_database() -> None:
    assert parse_time_zone(" Europe/Berlin ") == "Europe/Berlin"


@pytest.mark.parametrize("raw", ["", "Europe/Bonn", "europe/berlin", "+01:00", "../../etc/passwd", "\x00"])
def test_an_unknown_time_zone_is_refused(raw: str) -> None:
    assert code_of(lambda: parse_time_zone(raw)) == "time_zone_unknown"


@pytest.mark.parametrize("born", [date(1870, 1, 1), TODAY])
def test_a_birth_date_may_be_any_day_somebody_alive_was_born(born: date) -> None:
    assert parse_birth_date(born, TODAY) == born


@pytest.mark.parametrize("born", [date(1869, 12, 31), date(2026, 3, 2), date.max, date.min])
def test_nobody_was_born_tomorrow_or_long_ago(born: date) -> None:
    assert code_of(lambda: parse_birth_date(born, TODAY)) == "birth_date_out_of_range"


OWN = EmailAddress("Grace@Bücher.example", "grace@xn--bcher-kva.example")


@pytest.mark.parametrize(
    "raw", ["grace", "Grace.Hopper-1906", "Zoë", "Grace@Bücher.example", "grace@xn--bcher-kva.example"]
)
def test_a_username_is_a_name_or_ones_own_email(raw: str) -> None:
    assert parse_username(raw, OWN) == raw


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("ada@example.com", "username_foreign_email"),
        ("@", "username_foreign_email"),
        ("gr ace", "username_blank_inside"),
        ("gr\u3000ace", "username_blank_inside"),
        ("", "too_short"),
        ("x" * 255, "too_long"),
    ],
)
def test_a_username_that_could_be_anothers_email_is_refused(raw: str, code: str) -> None:
    assert code_of(lambda: parse_username(raw, OWN)) == code


@given(st.text())
def test_folding_touches_ascii_letters_alone_and_once(text: str) -> None:
    folded = fold_ascii(text)

    assert folded == "".join(c.lower() if c.isascii() else c for c in text)
    assert fold_ascii(folded) == folded


@pytest.mark.parametrize("password", ["12345678", "p" * 1024, "pass wörd 👩", " " * 8])
def test_a_password_is_any_text_of_8_to_1024_characters(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    ("password", "code"),
    [("", "too_short"), ("1234567", "too_short"), ("p" * 1025, "too_long"), ("1234567\ud800", "lone_surrogate")],
)
def test_a_password_that_breaks_a_rule_is_refused(password: str, code: str) -> None:
    assert code_of(lambda: check_password(password)) == code


def test_an_email_shows_itself_as_given() -> None:
    assert str(an_email("Grace@Example.com")) == "Grace@Example.com"
