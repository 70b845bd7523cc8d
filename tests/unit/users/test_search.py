"""Words by which users are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercore.users.search import query_words, words_of
from usercore.users.values import ValueRejectedError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grace Brewster Murray-Hopper", ("brewster", "grace", "hopper", "murray")),
        ("o'brien_2", ("2", "brien", "o")),
        ("STRASSE straße", ("strasse",)),
        ("ﬁnch ﬃ", ("ffi", "finch")),
        ("\uff21\uff44\uff41", ("ada",)),  # full-width letters
        ("山田 太郎", ("太郎", "山田")),
        ("!?", ()),
        ("x" * 150, ("x" * 100,)),
    ],
)
def test_text_is_folded_into_sorted_words(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


def test_nothing_has_no_words() -> None:
    assert words_of(None, "") == ()


@given(st.text())
def test_words_are_their_own_words(text: str) -> None:
    """So what was found once is found again when it is looked for."""
    words = words_of(text)

    assert words == tuple(sorted(set(words)))
    assert all(words_of(word) == (word,) for word in words if len(word) < 100)


@pytest.mark.parametrize(("query", "code"), [("", "search_without_words"), ("%&", "search_without_words")])
def test_a_search_needs_a_word(query: str, code: str) -> None:
    with pytest.raises(ValueRejectedError) as caught:
        query_words(query)

    assert caught.value.code == code


def test_a_search_has_at_most_ten_words() -> None:
    assert len(query_words(" ".join("abcdefghij"))) == 10
    with pytest.raises(ValueRejectedError) as caught:
        query_words(" ".join("abcdefghijk"))
    assert caught.value.code == "search_too_long"
