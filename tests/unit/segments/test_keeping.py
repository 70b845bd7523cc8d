"""Filters that are kept: under which names, which ones, and what the trail tells of it."""

import pytest
from attrs import evolve

from tests.builders import a_context
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.adapters.memory.database import MemoryDatabase
from usercore.audit.entry import SERVICE_CHAIN
from usercore.kernel.errors import UnavailableError
from usercore.kernel.reasons import ReasonInvalidError
from usercore.segments.errors import (
    SegmentExistsError,
    SegmentInvalidError,
    SegmentNotFoundError,
    SegmentRefusedError,
)
from usercore.segments.save_segment import SaveSegmentCommand
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

GOLD = SaveSegmentCommand("german-gold", "loyalty.tier=GOLD and address.country='DE'", "the spring letter")


@pytest.fixture
def core() -> Core:
    return memory_core(emails=ValidatedEmailRules())


def trail(core: Core) -> list[tuple[str, tuple[str, ...], str | None]]:
    database: MemoryDatabase = core.ports.history.database  # type: ignore[attr-defined]
    entries = (one.entry for one in database.audit.get(SERVICE_CHAIN, ()))
    return [(entry.action, entry.fields, entry.causation_id) for entry in entries]


async def test_what_is_kept_is_the_canonical_filter_and_doing_it_twice_is_doing_it_once(core: Core) -> None:
    segment = await core.save_segment(GOLD, a_context())
    again = SaveSegmentCommand("german-gold", 'loyalty.tier = "GOLD"   and address.country = "DE"', "the spring letter")

    assert segment.text == 'loyalty.tier = "GOLD" and address.country = "DE"'
    assert await core.save_segment(again, a_context()) == segment
    assert await core.read_segments.one("german-gold") == segment
    assert (await core.read_segments.filter_of("german-gold")).text == segment.text
    assert [entry[:2] for entry in trail(core)] == [
        ("SegmentSaved", ("segment:german-gold", "filter:address.country", "filter:loyalty.tier"))
    ]


async def test_a_name_keeps_its_filter_until_it_is_deleted_with_a_reason(core: Core) -> None:
    await core.save_segment(GOLD, a_context())
    other = SaveSegmentCommand("german-gold", "version = 1")
    with pytest.raises(SegmentExistsError):
        await core.save_segment(other, a_context())
    with pytest.raises(ReasonInvalidError):
        await core.delete_segment("german-gold", " ", a_context())

    await core.delete_segment("german-gold", "it is over", a_context())

    assert trail(core)[-1] == ("SegmentDeleted", ("segment:german-gold",), "reason: it is over")
    with pytest.raises(SegmentNotFoundError):
        await core.delete_segment("german-gold", "it is over", a_context())
    with pytest.raises(SegmentNotFoundError):
        await core.read_segments.filter_of("german-gold")
    assert (await core.save_segment(other, a_context())).text == "version = 1"


@pytest.mark.parametrize(
    "text",
    [
        "email = 'grace@example.com'",
        "age > 3 or not (username starts with 'gra')",
        "firstName in ('Grace')",
        "lastName != 'Hopper'",
        "phoneNumber contains '123'",
        "address.street = 'Elm Street 7'",
        "externalId = 'crm-1'",
    ],
)
async def test_a_kept_filter_names_nobody(core: Core, text: str) -> None:
    """Nobody's erasure would find what it compares with."""
    with pytest.raises(SegmentRefusedError) as refused:
        await core.save_segment(SaveSegmentCommand("somebody", text), a_context())

    assert [one.code for one in refused.value.violations] == ["names_somebody"]
    assert list(await core.read_segments()) == []
    assert trail(core) == []


async def test_whether_somebody_has_a_phone_number_names_nobody(core: Core) -> None:
    segment = await core.save_segment(SaveSegmentCommand("callable", "phoneNumber exists"), a_context())

    assert segment.text == "phoneNumber exists"


@pytest.mark.parametrize("name", ["", "count", "Gold", "a--b", "-a", "a b", "é", "a" * 65, "a/b", "a\n"])
async def test_a_name_is_lower_case_words_joined_by_hyphens(core: Core, name: str) -> None:
    with pytest.raises(SegmentRefusedError):
        await core.save_segment(SaveSegmentCommand(name, "version = 1"), a_context())


async def test_what_is_no_filter_is_not_kept(core: Core) -> None:
    with pytest.raises(SegmentInvalidError):
        await core.save_segment(SaveSegmentCommand("a", "version = "), a_context())
    with pytest.raises(SegmentRefusedError):
        await core.save_segment(SaveSegmentCommand("a", "version = 1", "two\nlines"), a_context())
    assert list(await core.read_segments()) == []


class BrokenTrail:
    """A trail that takes no entry."""

    async def append(self, _: object) -> None:
        raise UnavailableError("no")


async def test_what_cannot_be_recorded_is_neither_kept_nor_deleted(core: Core) -> None:
    save, delete = evolve(core.save_segment, trail=BrokenTrail()), evolve(core.delete_segment, trail=BrokenTrail())

    with pytest.raises(UnavailableError):
        await save(GOLD, a_context())
    assert list(await core.read_segments()) == []
    segment = await core.save_segment(GOLD, a_context())
    with pytest.raises(UnavailableError):
        await delete("german-gold", "it is over", a_context())
    assert list(await core.read_segments()) == [segment]


async def test_two_filters_joined_choose_those_whom_both_choose(core: Core) -> None:
    first, second = await core.read_filter("restricted = true"), await core.read_filter("version = 1 or version = 2")

    both = first.joined(second)

    assert both.fields == ("restricted", "version")
    assert both.asks_for_restricted
    assert both.condition == (await core.read_filter(both.text)).condition
    assert both.mark != second.joined(first).mark
