"""Where a message stood, as text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usercore.messaging.values import Place


@given(st.builds(Place, st.from_regex(r"[a-z.-]{1,20}", fullmatch=True), *([st.integers(0, 2**63 - 1)] * 3)))
def test_a_place_is_read_back_as_it_was_written(place: Place) -> None:
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "topic", "topic/1", "topic/1/2", "topic/1/2/3/4", "topic/1/2/x", "topic/1/2/ 3"])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"topic/partition|invalid literal"):
        Place.parse(text)
