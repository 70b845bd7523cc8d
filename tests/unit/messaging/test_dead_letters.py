"""What an operator does about dead letters: one decision for each, with a reason, and nothing lost on the way."""

import pytest
from attrs import evolve

from tests.builders import NOW, SECOND, SetClock, a_context
from tests.letters import a_letter, a_message, letters, parked
from tests.unit.messaging.senders import RecordingSender
from usercore.kernel.errors import UnavailableError
from usercore.kernel.reasons import REASON_MAX_CHARS
from usercore.messaging.dead_letters import ReplayDeadLetter
from usercore.messaging.errors import (
    DeadLetterIncompleteError,
    DeadLetterNotFoundError,
    DeadLetterSettledError,
    MessageTooLargeError,
    ReasonInvalidError,
)
from usercore.messaging.values import DeadLetter, DeadLetterFilter, DeadLetterState, Place, RawMessage, Settlement
from usercore.users.errors import QueryInvalidError
from usercore.wiring.core import Core
from usercore.wiring.setaside import replay_dead_letter

REPLAYED = Settlement(NOW + SECOND, "OPERATOR:ada", "the schema was wrong")


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def replay(core: Core, sender: RecordingSender) -> ReplayDeadLetter:
    return replay_dead_letter(core.ports, sender)


async def kept(core: Core, message: RawMessage | None = None) -> DeadLetter:
    letter = a_letter(message)
    await core.ports.dead_letters.add([letter])
    return letter


async def test_a_replay_sends_the_message_as_it_was_and_says_where_it_stood(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender, clock: SetClock
) -> None:
    headers = (("ce_id", b"\xff"), ("X", b""), ("ce_id", b"again"))
    raw = a_message("payment-failed", partition=3, offset=41, key=b"\x00", value=b"\xfe", headers=headers)
    letter = await kept(core, raw)
    clock.advance(seconds=1)

    settled = await replay(letter.id, " the schema was wrong ", a_context())

    original = ("dlq_original", b"payment-failed/3/41/1772000000000")
    assert sender.sent == [("payment-failed", b"\x00", b"\xfe", (*headers, original))]
    assert settled == evolve(letter, state=DeadLetterState.REPLAYED, settlement=REPLAYED)
    assert await core.get_dead_letter(letter.id) == settled


async def test_a_second_replay_is_refused_and_sends_nothing(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender
) -> None:
    letter = await kept(core)
    settled = await replay(letter.id, "why", a_context())

    with pytest.raises(DeadLetterSettledError):
        await replay(letter.id, "why not", a_context())
    with pytest.raises(DeadLetterSettledError):
        await core.discard_dead_letter(letter.id, "why not", a_context())

    assert len(sender.sent) == 1
    assert await core.get_dead_letter(letter.id) == settled


async def test_a_message_that_dies_again_after_a_replay_is_still_known_by_where_it_stood_first(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender
) -> None:
    first = a_message(offset=7, headers=(("a", b"1"), ("dlq_code", b"not_json")))
    await replay((await kept(core, first)).id, "why", a_context())
    [(topic, key, value, headers)] = sender.sent
    again = await kept(core, a_message(topic, offset=8, key=key, value=value, headers=headers))

    await replay(again.id, "why", a_context())

    assert [headers for *_, headers in sender.sent] == [(("a", b"1"), ("dlq_original", str(first.place).encode()))] * 2


@pytest.mark.parametrize("said", [b"elsewhere/0/1/2", b"order-placed/0/1", b"order-placed/a/b/c", b"\xff", b""])
async def test_a_place_that_is_none_of_the_topic_is_not_believed(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender, said: bytes
) -> None:
    raw = a_message("order-placed", headers=(("dlq_original", said),))

    await replay((await kept(core, raw)).id, "why", a_context())

    [(*_, headers)] = sender.sent
    assert headers == (("dlq_original", str(raw.place).encode()),)


def test_a_place_is_read_as_it_was_written() -> None:
    place = Place("a.topic-1", 3, 2**40, -1)

    assert Place.parse(str(place)) == place
    for text in ("", "a/1/2", "a/1/2/3/4", "a/1/2/x", "a/01/2/3", "a/1/2/ 3"):
        with pytest.raises(ValueError, match=r"topic/partition|invalid literal"):
            Place.parse(text)


async def test_a_message_without_its_password_is_not_sent_again(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender
) -> None:
    letter = await kept(core, a_message("create-user", headers=(("dlq_redacted", b"password"),)))

    with pytest.raises(DeadLetterIncompleteError):
        await replay(letter.id, "why", a_context())

    assert sender.sent == []
    assert await core.get_dead_letter(letter.id) == letter
    await core.discard_dead_letter(letter.id, "its sender was told", a_context())


@pytest.mark.parametrize("error", [UnavailableError, MessageTooLargeError])
async def test_a_message_that_cannot_be_sent_still_waits(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender, error: type[Exception]
) -> None:
    def fail() -> None:
        raise error

    letter = await kept(core)
    sender.before = fail

    with pytest.raises(error):
        await replay(letter.id, "why", a_context())

    assert await core.get_dead_letter(letter.id) == letter


async def test_a_crash_between_sending_and_marking_repeats_the_message_and_says_so(
    core: Core, sender: RecordingSender
) -> None:
    class Away:
        """The database is gone once the message was sent."""

        def __getattr__(self, name: str) -> object:
            return getattr(core.ports.dead_letters, name)

        async def settle(self, *_: object) -> bool:
            raise UnavailableError

    letter = await kept(core)

    with pytest.raises(UnavailableError, match="the message was sent"):
        await ReplayDeadLetter(Away(), sender, core.ports.clock)(letter.id, "why", a_context())  # type: ignore[arg-type]
    await replay_dead_letter(core.ports, sender)(letter.id, "why", a_context())

    assert len(sender.sent) == 2
    assert sender.sent[0] == sender.sent[1]


async def test_who_comes_second_learns_that_the_message_was_sent_all_the_same(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender
) -> None:
    letter = await kept(core)
    replay_too = replay_dead_letter(core.ports, sender)
    mine = Settlement(NOW, "OPERATOR:bob", "quicker")

    class Quicker(RecordingSender):
        async def send(self, *_: object, **__: object) -> None:
            await core.ports.dead_letters.settle(letter.id, DeadLetterState.DISCARDED, mine)

    with pytest.raises(DeadLetterSettledError, match="sent all the same"):
        await evolve(replay_too, sender=Quicker())(letter.id, "why", a_context())

    assert (await core.get_dead_letter(letter.id)).settlement == mine


async def test_discarding_keeps_the_content_and_the_reason(core: Core, clock: SetClock) -> None:
    letter = await kept(core)
    clock.advance(seconds=1)

    settled = await core.discard_dead_letter(letter.id, "the schema was wrong", a_context())

    assert settled == evolve(letter, state=DeadLetterState.DISCARDED, settlement=REPLAYED)
    assert await core.get_dead_letter(letter.id) == settled


@pytest.mark.parametrize("reason", ["", "  \n", "x" * (REASON_MAX_CHARS + 1), "two\nlines", "steer \x1b[2J"])
async def test_nothing_is_done_without_a_reason(
    core: Core, replay: ReplayDeadLetter, sender: RecordingSender, reason: str
) -> None:
    letter = await kept(core)

    for act in (replay, core.discard_dead_letter):
        with pytest.raises(ReasonInvalidError):
            await act(letter.id, reason, a_context())

    assert sender.sent == []
    assert await core.get_dead_letter(letter.id) == letter


@pytest.mark.parametrize("letter_id", ["01970000-0000-7000-8000-00000000000a", "no id"])
async def test_what_is_not_there_is_neither_shown_nor_settled(
    core: Core, replay: ReplayDeadLetter, letter_id: str
) -> None:
    with pytest.raises(DeadLetterNotFoundError):
        await core.get_dead_letter(letter_id)
    for act in (replay, core.discard_dead_letter):
        with pytest.raises(DeadLetterNotFoundError):
            await act(letter_id, "why", a_context())


async def test_lists_go_on_where_the_page_before_ended(core: Core) -> None:
    many = letters(3)
    await core.ports.dead_letters.add(many)
    waits = [parked() for _ in range(3)]
    await core.ports.parked.park(waits)

    first = await core.list_dead_letters(DeadLetterFilter(), limit=2)
    second = await core.list_dead_letters(DeadLetterFilter(), after=first.next_cursor, limit=2)
    assert [*first.items, *second.items] == [letter.line for letter in many]

    first_parked = await core.list_parked(limit=2)
    second_parked = await core.list_parked(after=first_parked.next_cursor, limit=2)
    assert [*first_parked.items, *second_parked.items] == [one.line for one in waits]


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_page_has_bounds(core: Core, limit: int) -> None:
    with pytest.raises(QueryInvalidError):
        await core.list_dead_letters(DeadLetterFilter(), limit=limit)
    with pytest.raises(QueryInvalidError):
        await core.list_parked(limit=limit)
