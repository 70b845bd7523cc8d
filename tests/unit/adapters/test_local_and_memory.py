"""Recorded calls, the parts that are missing, and the core in memory."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from attrs import fields, frozen

from tests.builders import a_context, a_profile, creation, update
from usercore.adapters.local import RecordingServices
from usercore.adapters.local.recording import KEPT
from usercore.adapters.memory.database import MemoryDatabase
from usercore.adapters.memory.missing import PartMissingError
from usercore.adapters.memory.users import MemoryUserWriter
from usercore.delivery.routing import deliveries_of
from usercore.kernel.errors import UnavailableError
from usercore.kernel.events import Event, Record
from usercore.kernel.secret import Secret
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.ports import Change
from usercore.wiring.core import Ports
from usercore.wiring.memory import PortOverrides, memory_core


async def test_each_call_is_a_line_and_the_hash_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    services = RecordingServices(path)
    provision, letter, entry = deliveries_of(
        creation(a_profile(first_name="Zoë\u2028"), password_hash="$argon2id$canary")
    )

    await services.credential(provision)
    await services.notify(letter)
    await services.record(entry)

    text = path.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    assert "canary" not in text
    assert [line["operation"] for line in lines] == ["PROVISION_CREDENTIAL", "SEND_WELCOME", "RECORD_ENTRY"]
    assert [line["secret"] for line in lines] == ["hidden, 16 characters", None, None]
    assert lines[1]["payload"]["firstName"] == "Zoë\u2028"
    assert services.calls == (provision, letter, entry)


@pytest.mark.parametrize("mode_before", [None, 0o644])
async def test_the_file_is_its_owners_alone(tmp_path: Path, mode_before: int | None) -> None:
    path = tmp_path / "calls.jsonl"
    if mode_before is not None:
        path.touch()
        path.chmod(mode_before)

    await RecordingServices(path).record(deliveries_of(creation())[-1])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_same_call_again_has_no_further_effect(tmp_path: Path) -> None:
    services = RecordingServices(tmp_path / "calls.jsonl")
    entry = deliveries_of(creation())[-1]

    await services.record(entry)
    await services.record(entry)

    assert len(services.calls) == 1
    assert len((tmp_path / "calls.jsonl").read_bytes().splitlines()) == 1


async def test_the_last_thousand_calls_are_remembered() -> None:
    services = RecordingServices()
    entries = [deliveries_of(creation())[-1] for _ in range(KEPT + 10)]
    for entry in entries:
        await services.record(entry)

    assert services.calls == tuple(entries[10:])
    await services.record(entries[0])  # forgotten, so taken down again
    assert services.calls[-1] == entries[0]
    assert len(services._known) == KEPT


async def test_a_file_that_cannot_be_written_makes_the_service_unavailable(tmp_path: Path) -> None:
    services = RecordingServices(tmp_path)

    with pytest.raises(UnavailableError):
        await services.record(deliveries_of(creation())[-1])

    assert services.calls == ()


async def test_at_once_called_services_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    services = RecordingServices(path)
    entries = [deliveries_of(creation(a_profile(first_name="x" * 200)))[1] for _ in range(50)]

    await asyncio.gather(*map(services.notify, entries))

    written = {json.loads(line)["eventId"] for line in path.read_bytes().splitlines()}
    assert written == {entry.event_id for entry in entries}


PROFILE = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")


async def test_a_bare_core_refuses_passwords_and_says_what_to_install() -> None:
    core = memory_core()

    with pytest.raises(PartMissingError, match=r"usercore\[passwords\]"):
        await core.create_user(CreateUserCommand(PROFILE, Secret("correct horse")), a_context())

    assert await core.ports.outbox.pending() == 0
    assert (await core.create_user(CreateUserCommand(PROFILE), a_context())).version == 1


async def test_a_bare_core_refuses_attribute_schemas_and_says_what_to_install() -> None:
    core = memory_core()

    with pytest.raises(PartMissingError, match=r"usercore\[attributes\]"):
        await core.register_attribute_schema(RegisterAttributeSchemaCommand({}), a_context())

    assert list(await core.list_attribute_schemas()) == []


def test_every_port_can_be_replaced() -> None:
    assert set(PortOverrides.__annotations__) == {one.name for one in fields(Ports)}


async def test_two_cores_share_nothing() -> None:
    first, second = memory_core(), memory_core()

    user = await first.create_user(CreateUserCommand(PROFILE), a_context())

    assert dict(await second.ports.users.get_many([user.id])) == {}
    assert (await second.create_user(CreateUserCommand(PROFILE), a_context())).id != user.id


@frozen
class UnknownRecord(Record):
    """Rows that no table keeps."""


@frozen
class UnpublishedEvent(Event):
    """An event without a payload."""

    message = "Unpublished"


def with_unknown_record(change: Change) -> Change:
    return Change(
        change.user, change.event_id, change.event, change.changes, change.context, records=(UnknownRecord(),)
    )


def with_unpublished_event(change: Change) -> Change:
    return Change(change.user, change.event_id, UnpublishedEvent(change.user.id), change.changes, change.context)


@pytest.mark.parametrize("spoil", [with_unknown_record, with_unpublished_event])
async def test_a_change_that_cannot_be_written_whole_is_not_written_at_all(spoil: object) -> None:
    assert callable(spoil)
    database = MemoryDatabase()
    writer = MemoryUserWriter(database)
    created = creation()
    assert list(await writer.commit([created])) == [None]
    step = update(created.user, username="grace", first_name="Ada")

    with pytest.raises((TypeError, KeyError)):
        await writer.commit([spoil(step)])

    assert database.users == {created.user.id: created.user}
    assert len(database.outbox) == len(database.history[created.user.id]) == 1
    assert len(database.audit[created.user.id]) == 1
    assert list(await writer.commit([step])) == [None]
