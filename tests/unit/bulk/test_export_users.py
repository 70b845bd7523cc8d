"""Exporting users: who is remembered for it, and what of the question."""

import pytest
from attrs import define, field

from tests.builders import NOW, a_context, a_profile, creation
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.audit.query import AuditQuery
from usercore.bulk.exports.errors import ExportInvalidError
from usercore.bulk.exports.export_users import EXPORT_BEGUN, USERS_EXPORTED, ExportUsersCommand
from usercore.bulk.exports.values import ExportFormat, ExportProgress, Restricted
from usercore.kernel.errors import UnavailableError
from usercore.users.conditions import And, Comparison, Field, Not, Operator
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

REASON = "ticket 9"


@define
class Sink:
    """Keeps what it is given, and fails where it is told to."""

    fails: bool = False
    data: bytes = field(default=b"")

    async def write(self, data: bytes) -> None:
        if self.fails:
            raise UnavailableError("the disk is full")
        self.data += data


@pytest.fixture
async def core() -> Core:
    core = memory_core()
    await core.ports.writer.commit([creation(a_profile(f"{name}@example.com")) for name in ("ada", "grace")])
    return core


async def entries(core: Core) -> list[AuditEntry]:
    page = await core.read_audit(AuditQuery(user_id=SERVICE_CHAIN))
    return [one.entry for one in reversed(page.items)]


async def test_the_trail_says_who_why_what_and_how_many_and_no_value_that_is_personal(core: Core) -> None:
    nobody = Comparison(Field.EMAIL, Operator.EQUAL, "secret@example.com")
    query = UserQuery(
        email="hidden@example.com",
        words=("whisper",),
        states=frozenset({AccountState.ACTIVE, AccountState.MERGED}),
        created_after=NOW,
        condition=And((nobody, Not(Comparison(Field.CITY, Operator.IN, ("Rome",))))),
    )
    command = ExportUsersCommand(query, REASON, ("id", "address.city"), restricted=Restricted.INCLUDE)

    summary = await core.export_users(command, a_context(), Sink())

    begun, ended = await entries(core)
    filters = (
        "status=ACTIVE",
        "createdAfter=2026-03-01T12:00:00.123456Z",
        "email=…",
        "q=…",
        "filter=(email = and not address.city in)",
        "restricted=include",
    )
    assert summary.filters == filters
    said = ("format:ndjson", *(f"filter:{one}" for one in filters), "field:id", "field:address.city")
    assert (begun.action, begun.fields) == (EXPORT_BEGUN, said)
    assert (ended.action, ended.fields) == (USERS_EXPORTED, (*said, "users:0"))
    assert {(one.actor, one.causation_id) for one in (begun, ended)} == {(a_context().actor, f"reason: {REASON}")}


async def test_a_csv_begins_with_names_and_progress_is_told(core: Core) -> None:
    sink, told = Sink(), list[ExportProgress]()
    command = ExportUsersCommand(UserQuery(), REASON, ("email",), ExportFormat.CSV, in_order=True)

    summary = await core.export_users(command, a_context(), sink, told.append)

    assert sink.data == b"email\nada@example.com\ngrace@example.com\n"
    assert (summary.users, summary.size, summary.fields) == (2, len(sink.data), ("email",))
    assert told[-1] == ExportProgress(2, 2)
    assert (await entries(core))[-1].fields[-1] == "users:2"


async def test_an_export_that_was_not_whole_has_no_second_entry(core: Core) -> None:
    with pytest.raises(UnavailableError):
        await core.export_users(ExportUsersCommand(UserQuery(), REASON), a_context(), Sink(fails=True))

    assert [one.action for one in await entries(core)] == [EXPORT_BEGUN]


@pytest.mark.parametrize(
    "command",
    [
        ExportUsersCommand(UserQuery(states=frozenset({AccountState.ERASED})), REASON),
        ExportUsersCommand(UserQuery(), REASON, ("passwordHash",)),
    ],
)
async def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    core: Core, command: ExportUsersCommand
) -> None:
    sink = Sink()

    with pytest.raises(ExportInvalidError):
        await core.export_users(command, a_context(), sink)

    assert (sink.data, await entries(core)) == (b"", [])
