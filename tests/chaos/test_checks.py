"""The checker of the chaos runs finds what it is there to find."""

from attrs import evolve

from tests.chaos.checks import Published, Written, faults

WRITTEN = [
    Written("e1", "ada", 1, "user-created"),
    Written("e2", "ada", 2, "user-updated"),
    Written("e3", "ada", 3, "user-updated"),
]
PUBLISHED = [
    Published("e1", "ada", 1, "user-created", 0, 0),
    Published("e2", "ada", 2, "user-updated", 1, 0),
    Published("e3", "ada", 3, "user-updated", 1, 1),
]
ACKNOWLEDGED = [("ada", 1), ("ada", 3)]


def test_all_is_well_where_each_event_stands_once_and_in_order() -> None:
    assert faults(WRITTEN, PUBLISHED, ACKNOWLEDGED) == []


def test_repetitions_are_dropped_wherever_they_stand() -> None:
    again = [evolve(PUBLISHED[1], offset=2), evolve(PUBLISHED[2], offset=3)]
    assert faults(WRITTEN, [*PUBLISHED, *again], ACKNOWLEDGED) == []


def test_an_event_that_was_not_published_is_found() -> None:
    assert faults(WRITTEN, PUBLISHED[:2], ACKNOWLEDGED) == ["event e3 was never published"]


def test_an_event_that_nobody_wrote_is_found() -> None:
    assert "event e3 was never written" in faults(WRITTEN[:2], PUBLISHED, ACKNOWLEDGED[:1])


def test_an_acknowledged_write_without_an_event_is_found() -> None:
    assert faults(WRITTEN, PUBLISHED, [("ada", 4)]) == ["version 4 of ada was acknowledged and has no event"]


def test_events_of_one_user_in_the_wrong_order_are_found() -> None:
    swapped = [PUBLISHED[0], evolve(PUBLISHED[1], offset=1), evolve(PUBLISHED[2], offset=0)]
    assert faults(WRITTEN, swapped, ACKNOWLEDGED) == ["version 2 of ada came behind 3 in user-updated"]


def test_events_of_one_user_in_two_partitions_are_found() -> None:
    astray = [*PUBLISHED[:2], evolve(PUBLISHED[2], partition=2)]
    assert faults(WRITTEN, astray, ACKNOWLEDGED) == ["events of ada stand in two partitions of user-updated"]


def test_an_event_published_as_another_is_found() -> None:
    assert "event e1 was published as another" in faults(
        WRITTEN, [evolve(PUBLISHED[0], topic="user-updated"), *PUBLISHED[1:]], []
    )


def test_a_gap_in_what_was_written_is_found() -> None:
    assert faults([WRITTEN[0], WRITTEN[2]], [PUBLISHED[0], PUBLISHED[2]], []) == [
        "the versions of ada are not contiguous"
    ]
