"""UUIDv7 by the standard library."""

from collections import Counter
from threading import Thread
from uuid import UUID

from attrs import define

from usercore.adapters.memory.system import Uuid7Ids


@define
class SetMillis:
    now: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def millis(text: str) -> int:
    return UUID(text).int >> 80


def test_the_first_48_bits_are_the_time_in_milliseconds() -> None:
    time = SetMillis(0x017F22E279B0)

    made = Uuid7Ids(time).user_id()

    # Source: RFC 9562, appendix A.6: this moment is written 017F22E2-79B0-7….
    assert made.startswith("017f22e2-79b0-7")


def test_ids_rise_while_time_stands_still_and_when_it_goes_back() -> None:
    time = SetMillis()
    ids = Uuid7Ids(time)
    made = [ids.event_id() for _ in range(5_000)]
    time.now -= 60_000
    made += [ids.event_id() for _ in range(5_000)]

    assert made == sorted(set(made))
    assert millis(made[0]) == 1_700_000_000_000
    # 12 bits count at most 4,096 in a millisecond, beginning below the middle.
    assert 1_700_000_000_002 <= millis(made[-1]) <= 1_700_000_000_005


def test_when_time_catches_up_ids_tell_it_again() -> None:
    time = SetMillis()
    ids = Uuid7Ids(time)
    ids.user_id()
    time.now += 1_000

    assert millis(ids.user_id()) == time.now


def test_threads_share_a_generator_without_a_repetition() -> None:
    ids = Uuid7Ids(SetMillis())
    made: list[str] = []
    threads = [Thread(target=lambda: made.extend([ids.user_id() for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(made).most_common(1)[0][1] == 1
    assert len(made) == 8_000
    counters = [UUID(one).int >> 64 for one in made]
    assert len(set(counters)) == len(counters)
