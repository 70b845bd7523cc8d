"""An archive shows a person everything that is kept of them, in forms that people and programs can read."""

import json
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import evolve, frozen
from jsonschema import Draft202012Validator

from tests.archives import MemorySink
from tests.builders import SetClock, a_context, a_profile, creation, in_state
from usercore.audit.entry import AuditEntry
from usercore.kernel.errors import UnavailableError
from usercore.kernel.ids import UserId
from usercore.privacy.classification import TABLES
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.csv_form import csv_head, csv_lines
from usercore.privacy.export.export_user_data import ExportUserDataCommand
from usercore.privacy.export.ports import PersonalRow
from usercore.privacy.export.sections import sections_of
from usercore.privacy.export.values import ArchiveKind
from usercore.users.errors import UserErasedError, UserNotFoundError
from usercore.users.values import AccountState
from usercore.wiring.core import Ports, assemble
from usercore.wiring.memory import memory_ports

ROOT = Path(__file__).resolve().parents[3]
NOBODY = UserId("00000000-0000-7000-8000-000000000000")


@pytest.fixture
def ports() -> Ports:
    return memory_ports()


def builder(ports: Ports) -> BuildArchive:
    return BuildArchive(ports.users, ports.personal_data, SetClock())


async def test_the_manifest_tells_of_every_file_and_of_what_the_law_asks(ports: Ports) -> None:
    created = creation(a_profile(first_name="Ada"))
    await ports.writer.commit([created])
    sink = MemorySink()

    manifest = await builder(ports)(created.user.id, ArchiveKind.ACCESS, sink)

    told = sink.manifest()
    assert told == manifest.document
    assert (told["schemaVersion"], told["userId"], told["userVersion"]) == ("1.0", created.user.id, 1)
    assert told["createdAt"] == "2026-03-01T12:00:00.123456Z"
    files = {one["path"]: one for section in told["sections"] for one in section["files"]}
    archive = sink.opened()
    assert {*files, "manifest.json"} == set(archive.namelist())
    assert {sha256(archive.read(path)).hexdigest() for path in files} == {one["sha256"] for one in files.values()}
    assert all(len(archive.read(path)) == one["bytes"] for path, one in files.items())
    email = next(one for one in told["sections"][0]["fields"] if one["name"] == "email")
    assert email["legalBases"] == ["GDPR Art. 6(1)(b)", "GDPR Art. 6(1)(a)"]
    assert "NotificationService" in email["recipients"]
    assert email["retention"] == "as long as the account exists"
    assert {"rights", "complaint", "source", "automatedDecisions"} == told["information"].keys()
    assert any(one["reason"].startswith("derived") for one in told["withheld"])


@pytest.mark.parametrize("kind", ArchiveKind)
async def test_the_manifest_keeps_to_its_documented_schema(ports: Ports, kind: ArchiveKind) -> None:
    created = creation()
    await ports.writer.commit([created])
    sink = MemorySink()

    await builder(ports)(created.user.id, kind, sink)

    schema = json.loads((ROOT / "docs/contracts/archive-manifest.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(sink.manifest())] == []


async def test_records_are_nested_in_json_and_flat_in_csv(ports: Ports) -> None:
    created = creation(a_profile(first_name="Ada", attributes={"size": [1, 2]}))
    await ports.writer.commit([created])
    sink = MemorySink()

    await builder(ports)(created.user.id, ArchiveKind.ACCESS, sink)

    [profile] = sink.records("profile")
    [line] = sink.table("profile")
    assert (profile["firstName"], profile["address"]["city"], profile["status"]["state"]) == ("Ada", None, "ACTIVE")
    assert (line["firstName"], line["address.city"], line["status.state"]) == ("Ada", "", "ACTIVE")
    assert (profile["attributes"], line["attributes"]) == ({"size": [1, 2]}, '{"size": [1, 2]}')
    assert (profile["restricted"], line["restricted"]) == (False, "false")


async def test_portability_takes_what_the_person_provided_and_no_more(ports: Ports) -> None:
    created = creation(a_profile(first_name="Ada"))
    await ports.writer.commit([created])
    sink = MemorySink()

    manifest = await builder(ports)(created.user.id, ArchiveKind.PORTABILITY, sink)

    sections = {section.name for section in manifest.sections}
    assert {"profile", "emailPreferences", "consents", "activity"} <= sections
    assert not {"history", "audit", "deliveries"} & sections
    [profile] = sink.records("profile")
    assert profile["firstName"] == "Ada"
    assert "status" not in profile


async def test_nobody_and_erased_users_have_no_archive(ports: Ports) -> None:
    erased = in_state(creation(), AccountState.ERASED)
    await ports.writer.commit([erased])
    sink = MemorySink()

    with pytest.raises(UserNotFoundError):
        await builder(ports)(NOBODY, ArchiveKind.ACCESS, sink)
    with pytest.raises(UserErasedError):
        await builder(ports)(erased.user.id, ArchiveKind.ACCESS, sink)
    assert sink.chunks == []


@pytest.mark.parametrize("dangerous", ["=1+1", "+49123", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_escaped(dangerous: str) -> None:
    section = next(one for one in sections_of(ArchiveKind.ACCESS) if one.name == "profile")
    row: dict[str, object] = dict.fromkeys((one.column.name for one in section.columns), None)

    assert f"'{dangerous}" in csv_lines(section, [{**row, "first_name": dangerous}]).decode()
    assert csv_lines(section, [{**row, "version": -2}]).decode().split(",")[1] == "-2"
    assert csv_head(section).decode().startswith("id,version,username,email,firstName")


def test_no_two_tables_share_a_section() -> None:
    names = [table.section for table in TABLES if table.section]

    assert len(names) == len(set(names))


@frozen
class EndlessHistory:
    """A history of many large entries."""

    entries: int

    async def batches(self, table: str, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:  # noqa: ARG002
        """Yield the entries of one table a hundred at a time."""
        section = next(one for one in sections_of(ArchiveKind.ACCESS) if one.table.name == table)
        row = dict.fromkeys((one.column.name for one in section.columns), "x" * 100)
        for _ in range(0, self.entries if table == "user_history" else 0, 100):
            yield [row] * 100


@frozen
class ForgettingSink:
    """Counts what it takes, and keeps nothing."""

    sizes: list[int]

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.sizes.append(len(chunk))


async def test_a_long_history_takes_no_more_memory_than_a_short_one(ports: Ports) -> None:
    created = creation()
    await ports.writer.commit([created])
    build = evolve(builder(ports), data=EndlessHistory(20_000))
    sink = ForgettingSink([])

    tracemalloc.start()
    manifest = await build(created.user.id, ArchiveKind.ACCESS, sink)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    history = next(section for section in manifest.sections if section.name == "history")
    assert history.records == 20_000
    assert sum(one.size for one in history.files) > 30_000_000
    assert peak < 16_000_000


async def test_nobody_is_given_an_archive_before_it_is_remembered(ports: Ports) -> None:
    created = creation()
    await ports.writer.commit([created])
    sink = MemorySink()
    export = assemble(evolve(ports, trail=BrokenTrail())).export_user_data

    with pytest.raises(UnavailableError):
        await export(ExportUserDataCommand(created.user.id), a_context(), sink)

    assert sink.chunks == []


@frozen
class BrokenTrail:
    """A trail that cannot be written."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:  # noqa: ARG002
        """Fail."""
        raise UnavailableError("the database does not answer")
