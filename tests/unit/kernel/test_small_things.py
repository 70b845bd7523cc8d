"""Secrets, what was left unset, changes and actors."""

import pickle
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercore.kernel.changes import FieldChange, differences, undo
from usercore.kernel.context import SYSTEM, Actor, ActorKind
from usercore.kernel.secret import Secret
from usercore.kernel.unset import UNSET

SECRET = Secret("correct horse")


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r}".format, "%s".__mod__, lambda s: repr([s, {s: s}])])
def test_a_secret_hides_itself(show: object) -> None:
    assert callable(show)
    assert "correct" not in show(SECRET)


def test_a_secret_gives_its_text_only_when_told_to() -> None:
    assert SECRET.reveal() == "correct horse"
    assert len(SECRET) == 13


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("correct horse") == SECRET
    assert hash(Secret("correct horse")) == hash(SECRET)
    assert Secret("wrong horse") != SECRET
    assert SECRET != "correct horse"


def test_unset_is_neither_none_nor_true_and_there_is_one() -> None:
    assert UNSET is not None
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET  # noqa: S301 - our own bytes


values = st.none() | st.integers(0, 3)
states = st.fixed_dictionaries({"a": values, "b": values, "c": values})


@given(before=states, after=states)
def test_differences_are_what_undo_takes_back(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    changes = list(differences(before, after))

    assert undo(after, changes) == before
    assert [change.field for change in changes] == [name for name in after if before[name] != after[name]]
    assert all(change.before != change.after for change in changes)


def test_the_newest_change_is_taken_back_first() -> None:
    changes = [FieldChange("a", 2, 3), FieldChange("a", 1, 2)]

    assert undo({"a": 3}, changes) == {"a": 1}


@given(kind=st.sampled_from(ActorKind), ident=st.text())
def test_an_actor_is_read_as_it_was_written(kind: ActorKind, ident: str) -> None:
    assert Actor.parse(str(Actor(kind, ident))) == Actor(kind, ident)


@pytest.mark.parametrize("text", ["", "USER", "GOD:ada", "user:ada"])
def test_what_is_no_actor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"KIND:id|ActorKind"):
        Actor.parse(text)


def test_the_service_itself_is_an_actor() -> None:
    assert str(SYSTEM) == "SYSTEM:user-service"
