"""What every ErasureLedger promises, in memory and in a file; and what a file must bear besides."""

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from tests.builders import IDS, NOW
from usercore.adapters.local.erasure_ledger import FileErasureLedger, NoErasureLedger
from usercore.adapters.memory.privacy import MemoryErasureLedger
from usercore.kernel.errors import UnavailableError
from usercore.privacy.requests.errors import LedgerBrokenError
from usercore.privacy.requests.ledger import ErasedPerson, first_broken
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.ports import ErasureLedger
from usercore.privacy.requests.values import Jurisdiction


def a_person() -> ErasedPerson:
    return ErasedPerson(IDS.user_id(), RequestId(IDS.event_id()), IDS.event_id(), Jurisdiction.GDPR, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "erasures.jsonl"


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, path: Path) -> ErasureLedger:
    return MemoryErasureLedger() if request.param == "memory" else FileErasureLedger(path)


async def test_what_is_written_down_stays_in_order_and_is_chained(ledger: ErasureLedger) -> None:
    assert list(await ledger.entries()) == []
    people = [a_person() for _ in range(3)]
    assert [await ledger.append(one) for one in people] == [1, 2, 3]
    entries = list(await ledger.entries())
    assert [entry.person for entry in entries] == people
    assert first_broken(entries) is None
    assert ledger.kept


async def test_one_request_is_written_down_once(ledger: ErasureLedger) -> None:
    person = a_person()
    assert [await ledger.append(person) for _ in range(3)] == [1, 1, 1]
    assert len(await ledger.entries()) == 1


async def test_an_entry_that_is_changed_moved_or_taken_out_is_noticed(ledger: ErasureLedger) -> None:
    for _ in range(5):
        await ledger.append(a_person())
    entries = list(await ledger.entries())
    assert first_broken([*entries[:2], *entries[3:]]) == 3
    assert first_broken([entries[1], entries[0], *entries[2:]]) == 1
    changed = evolve(entries[2], person=evolve(entries[2].person, user_id=IDS.user_id()))
    assert first_broken([*entries[:2], changed, *entries[3:]]) == 3
    # Its end cut off is for the database to notice.
    assert first_broken(entries[:3]) is None


async def test_without_a_ledger_nothing_is_kept() -> None:
    nothing = NoErasureLedger()
    assert (nothing.kept, await nothing.append(a_person()), list(await nothing.entries())) == (False, None, [])


async def test_copies_that_write_at_once_share_a_file(path: Path) -> None:
    copies = [FileErasureLedger(path) for _ in range(4)]
    places = await asyncio.gather(*(copies[number % 4].append(a_person()) for number in range(40)))
    assert sorted(filter(None, places)) == list(range(1, 41))
    assert first_broken(await copies[0].entries()) is None
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_a_killed_writer_left_half_is_written_over(path: Path) -> None:
    await FileErasureLedger(path).append(a_person())
    with path.open("ab") as file:
        file.write(b'{"sequence":2,"userId":"half')
    again = FileErasureLedger(path)
    assert len(await again.entries()) == 1
    assert await again.append(a_person()) == 2
    assert len(await FileErasureLedger(path).entries()) == 2


async def test_onto_a_broken_file_nothing_is_written(path: Path) -> None:
    ledger = FileErasureLedger(path)
    await ledger.append(a_person())
    await ledger.append(a_person())
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"GDPR", b"CCPA", 1))
    with pytest.raises(LedgerBrokenError):
        await FileErasureLedger(path).append(a_person())
    path.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(LedgerBrokenError):
        await ledger.append(a_person())
    path.write_bytes(b"no entry\n")
    with pytest.raises(LedgerBrokenError):
        await ledger.entries()


async def test_a_file_that_cannot_be_written_keeps_everybody_from_being_erased(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        await FileErasureLedger(tmp_path / "absent" / "erasures.jsonl").append(a_person())
