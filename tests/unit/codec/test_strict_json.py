"""JSON is read as the standard library reads it, less what this service cannot keep."""

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usercore.codec.strict_json import DEPTH_MAX, JsonRefusedError, read_json
from usercore.users.attributes import NUMBER_LIMIT

LIMIT = float(NUMBER_LIMIT)
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-NUMBER_LIMIT, NUMBER_LIMIT)
    | st.floats(-LIMIT, LIMIT, allow_nan=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=40,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_what_can_be_kept_is_read(value: Any, ascii_only: bool, indent: Any) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert read_json(raw) == value


@given(st.binary(max_size=300) | st.text(alphabet='[]{}",:\\u0d8e1 \n', max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused_and_never_crash(raw: bytes) -> None:
    try:
        value = read_json(raw)
    except JsonRefusedError:
        return
    assert json.loads(raw) == value


def depth_of(value: Any) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, inner), default=0)
    return 0


NOISE = st.sampled_from(['"["', '"\\"[{"', '"]"', '"\\\\"', "7", '{"a":[]}', "[[],[{}]]"])


@given(depth=st.integers(1, 2 * DEPTH_MAX), noise=st.lists(NOISE, max_size=5), objects=st.booleans())
@example(depth=DEPTH_MAX - 2, noise=['{"a":[]}'], objects=False)
@example(depth=DEPTH_MAX - 2, noise=["[[],[{}]]"], objects=True)
def test_depth_is_counted_outside_strings_alone(depth: int, noise: list[str], objects: bool) -> None:
    opening, closing = ('{"a":', "}") if objects else ("[", "]")
    text = opening * depth + "[" + ",".join(noise) + "]" + closing * depth
    expected = depth_of(json.loads(text))
    if expected <= DEPTH_MAX:
        assert depth_of(read_json(text.encode())) == expected
    else:
        with pytest.raises(JsonRefusedError) as refused:
            read_json(text.encode())
        assert refused.value.code == "too_deep"


BIG = 1_000_000


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * BIG,
        b"[]" * (BIG // 2),
        b"[" + b"[]," * (BIG // 3) + b"[]]",
        b'"' + b'\\"' * (BIG // 2),
        b'["' + b"[" * BIG,
        b'"\\' * (BIG // 2),
        b"{" * (BIG // 2) + b"}" * (BIG // 2),
        b'{"a":' * (BIG // 5),
        b"9" * BIG,
        b"[" + b"1," * (BIG // 2) + b"1]",
        b'{"' + b"\\u0000" * (BIG // 6) + b'":1}',
    ],
    ids=range(11),
)
def test_a_megabyte_of_malice_is_read_in_linear_time(raw: bytes) -> None:
    """A quadratic reader would take hours here, and the run would be stopped by its time limit."""
    try:
        read_json(raw)
    except JsonRefusedError:
        return
    assert raw.startswith(b"[")


def test_a_number_is_kept_up_to_the_limit_and_not_beyond() -> None:
    assert read_json(b"[9007199254740991,-9007199254740991,0.1,-0.0,1e15]")[0] == NUMBER_LIMIT
    assert math.copysign(1, read_json(b"-0.0")) == -1
    for raw in (b"9007199254740992", b"-9007199254740992", b"9.1e15", b"1e999"):
        with pytest.raises(JsonRefusedError):
            read_json(raw)


def exactly(raw: str) -> Any:
    return read_json(raw.encode(), exact=True)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**18), max_value=10**18))
def test_exactly_read_a_number_is_the_one_that_is_written(number: Decimal) -> None:
    value = exactly(f"[{number:f}]")[0]

    assert not isinstance(value, float)
    assert value == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_a_float_is_written_as_can_be_read_exactly(number: float) -> None:
    assert exactly(json.dumps(number)) == Decimal(json.dumps(number))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2.0", 2),
        ("1e2", 100),
        ("-0.0", 0),
        ("12345678901234567890", 12345678901234567890),
        ("1E-400", Decimal("1E-400")),
    ],
)
def test_exactly_read_a_whole_number_is_an_integer_however_it_is_written(raw: str, value: Any) -> None:
    read = exactly(raw)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "raw", ["9" * 65, "0." + "9" * 63, "1e401", "1e-401", "1e99999999999999999999", "1e-99999999999999999999"]
)
def test_exactly_read_a_number_ends_somewhere(raw: str) -> None:
    with pytest.raises(JsonRefusedError) as refused:
        exactly(raw)
    assert refused.value.code == "number_out_of_range"


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-Infinity", "1_000", "0x1", "01", "+1", ".5"])
def test_exactly_read_it_is_still_json(raw: str) -> None:
    with pytest.raises(JsonRefusedError):
        exactly(raw)
