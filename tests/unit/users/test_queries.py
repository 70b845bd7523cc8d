"""Cursors of lists."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from tests.strategies import instants
from usercore.kernel.ids import UserId
from usercore.users.errors import QueryInvalidError
from usercore.users.queries import Position, Sort, UserQuery, read_cursor, write_cursor
from usercore.users.values import AccountState

SOMEBODY = "01970000-0000-7000-8000-00000000000a"

positions = st.builds(Position, instants(), st.uuids().map(lambda made: UserId(str(made))))


@given(sort=st.sampled_from(Sort), position=positions)
def test_a_cursor_is_read_as_it_was_written_and_is_safe_in_a_link(sort: Sort, position: Position) -> None:
    cursor = write_cursor(sort, position)

    assert read_cursor(sort, cursor) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(sorts=st.permutations(list(Sort)), position=positions)
def test_a_cursor_of_another_order_is_refused(sorts: list[Sort], position: Position) -> None:
    with pytest.raises(QueryInvalidError):
        read_cursor(sorts[0], write_cursor(sorts[1], position))


@given(sort=st.sampled_from(Sort), position=positions, marks=st.permutations(["", "a" * 16, "b" * 16]))
def test_a_cursor_of_another_filter_is_refused(sort: Sort, position: Position, marks: list[str]) -> None:
    cursor = write_cursor(sort, position, marks[0])

    assert read_cursor(sort, cursor, marks[0]) == position
    for other in marks[1:]:
        with pytest.raises(QueryInvalidError):
            read_cursor(sort, cursor, other)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "é",
        "a" * 201,
        encoded("null"),
        encoded("[]"),
        encoded('["createdAt",1]'),
        encoded(f'["createdAt",true,"{SOMEBODY}"]'),
        encoded(f'["createdAt",1.5,"{SOMEBODY}"]'),
        encoded('["createdAt",1,"nobody"]'),
        encoded(f'["createdAt",{10**30},"{SOMEBODY}"]'),
        encoded(f'["createdAt",-{10**17},"{SOMEBODY}"]'),
        encoded("[" * 140),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(QueryInvalidError) as caught:
        read_cursor(Sort.CREATED_UP, cursor)

    assert caught.value.violations[0].code == "cursor_invalid"


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_text_as_a_cursor_raises_anything_else(cursor: str) -> None:
    try:
        read_cursor(Sort.UPDATED_DOWN, cursor)
    except QueryInvalidError:
        return


def test_a_query_without_states_means_the_living() -> None:
    assert UserQuery().visible_states == {AccountState.ACTIVE, AccountState.DEACTIVATED}
    assert UserQuery(states=frozenset({AccountState.ERASED})).visible_states == {AccountState.ERASED}


def test_a_query_shows_nobodys_name() -> None:
    query = UserQuery(
        email="grace@example.com", username="grace", external_id="crm-1", words=("hopper",), created_after=NOW
    )

    assert not {"grace", "crm-1", "hopper"}.intersection(repr(query).replace("'", " ").replace("@", " ").split())
