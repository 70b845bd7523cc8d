"""A checkpoint's text is canonical: one checkpoint, one text, and nothing else is read as one."""

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usercore.audit.checkpoint import NO_CHECKPOINT, Checkpoint, leaf_of
from usercore.audit.entry import ChainHead
from usercore.kernel.ids import UserId

ONE = Checkpoint(
    origin="user-service",
    size=1204,
    root=bytes(range(32)),
    number=17,
    at=datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    entries=31842,
    previous=NO_CHECKPOINT,
)


def test_the_text_begins_as_checkpoints_of_transparency_logs_do() -> None:
    assert ONE.text == (
        "user-service\n"
        "1204\n"
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        "number 17\n"
        "time 2026-03-01T12:00:00.123456Z\n"
        "entries 31842\n"
        "previous AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    )
    assert Checkpoint.parse(ONE.text) == ONE


@given(
    st.builds(
        Checkpoint,
        origin=st.just("user-service"),
        size=st.integers(0, 10**12),
        root=st.binary(min_size=32, max_size=32),
        number=st.integers(1, 10**9),
        at=st.datetimes(timezones=st.just(UTC)),
        entries=st.integers(0, 10**12),
        previous=st.binary(min_size=32, max_size=32),
    )
)
def test_what_is_written_is_read_as_it_was(checkpoint: Checkpoint) -> None:
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user-service\n",
        ONE.text + "\n",
        ONE.text + "more 1\n",
        ONE.text.removesuffix("\n"),
        ONE.text.replace("1204", "01204"),
        ONE.text.replace("1204", "-1"),
        ONE.text.replace("number", "Number"),
        ONE.text.replace(".123456", ""),
        ONE.text.replace("Z\n", "+00:00\n"),
        ONE.text.replace("Hh8=", "Hh9="),
        ONE.text.replace("31842", "x"),
    ],
)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(ValueError, match="form of a checkpoint"):
        Checkpoint.parse(text)


def test_whatever_a_checkpoint_says_changes_its_digest() -> None:
    others = [
        evolve(ONE, size=1205),
        evolve(ONE, root=bytes(32)),
        evolve(ONE, number=18),
        evolve(ONE, entries=0),
        evolve(ONE, previous=ONE.digest),
        evolve(ONE, origin="another"),
    ]
    assert len({one.digest for one in (ONE, *others)}) == len(others) + 1


def test_a_leaf_commits_to_chain_place_and_hash() -> None:
    head = ChainHead(UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"), 7, bytes(32))
    others = [
        evolve(head, user_id=UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3e")),
        evolve(head, sequence=8),
        evolve(head, sequence=-7),
        evolve(head, hash=bytes(31) + b"\x01"),
    ]
    assert len({leaf_of(one) for one in (head, *others)}) == len(others) + 1
