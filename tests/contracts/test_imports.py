"""What every ImportStore and ImportWriter promises, and that rows come to what single commands would have come to."""

import random
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, SetClock, a_context
from tests.contracts.footprints import outbox
from tests.strategies import NASTY
from usercore.audit.verify_audit import VerifyCommand
from usercore.bulk.imports.errors import ImportEndedError, ImportMovedError
from usercore.bulk.imports.ports import Settled
from usercore.bulk.imports.start_import import StartImportCommand
from usercore.bulk.imports.values import (
    Import,
    ImportId,
    ImportKey,
    ImportMode,
    ImportOptions,
    ImportRow,
    ImportState,
    Progress,
    RowError,
    Tally,
)
from usercore.delivery.values import Recipient
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.intake import AddressPatch, ProfilePatch
from usercore.users.model import User
from usercore.users.ports import Lookup, LookupKind
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.core import Core, Ports, assemble
from usercore.wiring.memory import memory_ports

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaasfhJjRdescudvJC"


@pytest.fixture
def core(ports: Ports) -> Core:
    return assemble(evolve(ports, clock=SetClock()))


def rows_of(*patches: dict[str, Any]) -> list[ImportRow]:
    return [
        ImportRow(place, place * 10, place + 1, ProfilePatch(**_own(patch)), patch.get("password_hash"))
        for place, patch in enumerate(patches, start=1)
    ]


def _own(patch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patch.items() if name != "password_hash"}


def person(email: str, **fields: Any) -> dict[str, Any]:
    return {"email": email, "first_name": "Grace", "last_name": "Hopper", **fields}


async def imported(
    core: Core, rows: Sequence[ImportRow], options: ImportOptions, size: int = 100
) -> tuple[Import, list[RowError]]:
    """Import rows from beginning to end, so many at a time."""
    begun = await core.start_import(StartImportCommand(options), a_context())
    errors: list[RowError] = []

    async def batches() -> AsyncIterator[Sequence[ImportRow]]:
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def report(settled: Settled) -> None:
        errors.extend(settled.errors)

    reached = await core.run_import(begun, batches(), a_context(), report=report)
    return await core.end_import(reached, ImportState.COMPLETED, a_context()), errors


async def user_of(core: Core, email: str) -> User:
    found = await core.ports.users.find(Lookup(LookupKind.EMAIL, email))
    assert found is not None
    return found


async def test_rows_are_imported_and_what_is_wrong_with_others_is_kept_by_line(core: Core) -> None:
    await core.create_user(CreateUserCommand(ProfilePatch(**person("old@example.com", username="ada"))), a_context())
    rows = rows_of(
        person("new@example.com", password_hash=Secret(HASH), username="grace"),
        person("OLD@example.com"),
        person("no address", first_name=""),
        person("new2@example.com", username="Ada"),
        person("NEW@example.com"),
        person("b@example.com", password_hash=Secret("plain")),
        person("c@example.com", external_id="crm-1"),
        person("d@example.com", external_id="crm-1"),
    )

    done, errors = await imported(core, rows, ImportOptions())

    assert [(one.line, one.code, one.pointer) for one in errors] == [
        (2, "email_taken", "/email"),
        (3, "email_invalid", "/email"),
        (3, "too_short", "/firstName"),
        (4, "username_taken", "/username"),
        (5, "email_taken", "/email"),
        (6, "password_hash_form", "/passwordHash"),
        (8, "external_id_taken", "/externalId"),
    ]
    assert done.progress == Progress(80, 9, Tally(created=2, failed=6))
    assert await core.read_imports(done.id) == done
    page = await core.read_imports.errors(done.id, limit=4)
    rest = await core.read_imports.errors(done.id, limit=4, cursor=page.next_cursor)
    assert [*page.items, *rest.items] == errors
    assert (len(page.items), rest.next_cursor) == (4, None)
    assert (await user_of(core, "new@example.com")).profile.username == "grace"
    assert (await user_of(core, "c@example.com")).version == 1
    told = await core.ports.deliveries.claim(
        recipient=Recipient.AUTHENTICATION, now=NOW, lease_until=NOW + timedelta(minutes=1), limit=10
    )
    secrets = {one.payload["username"]: one.secret and one.secret.reveal() for one in told}
    assert secrets == {"ada": None, "grace": HASH, "c@example.com": None}


async def test_an_import_that_is_elsewhere_or_over_takes_no_rows(core: Core) -> None:
    begun = await core.start_import(StartImportCommand(ImportOptions()), a_context())
    rows = rows_of(person("a@example.com"), person("b@example.com"))
    first = await core.import_batch(begun, rows[:1], a_context())

    with pytest.raises(ImportMovedError):
        await core.import_batch(begun, rows[1:], a_context())
    with pytest.raises(ImportMovedError):
        await core.end_import(begun, ImportState.COMPLETED, a_context())
    cancelled = await core.end_import.cancel(begun.id, a_context())
    with pytest.raises(ImportEndedError):
        await core.import_batch(begun.moved(first.progress, first.at), rows[1:], a_context())

    assert cancelled.state is ImportState.CANCELLED
    assert cancelled.progress.tally == Tally(created=1)
    assert await core.ports.users.find(Lookup(LookupKind.EMAIL, "b@example.com")) is None
    assert await core.end_import.cancel(begun.id, a_context()) == cancelled


async def test_the_same_file_is_found_again_until_it_is_to_be_imported_anew(core: Core) -> None:
    command = StartImportCommand(ImportOptions(), digest=bytes(32))
    begun = await core.start_import(command, a_context())

    assert await core.start_import(command, a_context()) == begun
    assert await core.start_import(evolve(command, options=ImportOptions(quiet=True)), a_context()) != begun
    anew = await core.start_import(evolve(command, restart=True), a_context())
    assert anew.id != begun.id
    assert await core.start_import(command, a_context()) == anew
    await core.end_import.cancel(anew.id, a_context())
    third = await core.start_import(command, a_context())
    assert third.id not in {begun.id, anew.id}

    listed = await core.read_imports.page(limit=3)
    assert listed.items[0] == third
    assert listed.next_cursor is not None
    await core.end_import(third, ImportState.FAILED, a_context(), trouble="import_unreadable")
    assert (await core.read_imports(third.id)).trouble == "import_unreadable"
    assert await core.ports.imports.purge(NOW + timedelta(seconds=1)) == 2
    assert await core.ports.imports.get(third.id) is None


async def test_a_quiet_import_publishes_one_event_for_all_of_them(core: Core) -> None:
    await imported(core, rows_of(person("a@example.com")), ImportOptions())
    rows = rows_of(person("a@example.com", first_name="Ada"), person("b@example.com"), person("c@example.com"))

    done, errors = await imported(core, rows, ImportOptions(mode=ImportMode.UPSERT, quiet=True), size=2)

    created, marker = await outbox(core.ports)
    assert not errors
    assert (created.message, marker.message, marker.topic) == ("UserCreated", "UsersImported", "users-imported")
    assert f'"importId":"{done.id}"'.encode() in marker.payload
    assert b'"created":2,"updated":1' in marker.payload
    entries = await core.ports.history.entries((await user_of(core, "a@example.com")).id, below_version=None, limit=9)
    assert [one.message for one in entries] == ["UserUpdated", "UserCreated"]
    assert not (await core.verify_audit(VerifyCommand())).findings


POOL = [f"u{number}@example.com" for number in range(7)]


def any_rows(rng: random.Random) -> list[ImportRow]:
    """Draw rows that collide with each other, and with users who are there."""

    def one() -> dict[str, Any]:
        fields: dict[str, Any] = person(rng.choice(POOL))
        more: dict[str, Any] = {
            "email": rng.choice(["U1@EXAMPLE.com", "nobody", None, " u2@example.com "]),
            "first_name": rng.choice([*NASTY, "", "tab\there"]),
            "last_name": rng.choice([*NASTY, "x" * 201, None]),
            "username": rng.choice(["ada", "Ada", "grace", "two words", "other@example.com", None]),
            "external_id": rng.choice(["crm-1", "crm-2", " crm-3 ", "", None, "\\N"]),
            "phone_number": rng.choice(["+4930123", "4930123", "none", None]),
            "address": rng.choice([AddressPatch(city="Berlin"), AddressPatch(street=" ", city=NASTY[1]), None]),
            "locale": rng.choice(["de-de", "??", None]),
            "time_zone": rng.choice(["Europe/Berlin", "Mars/Base", None]),
            "attributes": rng.choice([{}, {"a": 1}, None]),
        }
        fields |= {name: more[name] for name in rng.sample(sorted(more), rng.choice([0, 0, 1, 1, 2, 3]))}
        if rng.random() < 0.1:
            del fields[rng.choice(sorted(fields))]
        return fields

    return rows_of(*(one() for _ in range(rng.randint(6, 16))))


async def one_by_one(core: Core, rows: Sequence[ImportRow], options: ImportOptions) -> tuple[Tally, list[RowError]]:
    """Do what an import does by single commands; of errors only lines and codes."""
    counts = dict.fromkeys(("created", "updated", "unchanged", "skipped", "failed"), 0)
    errors: list[RowError] = []
    for row in rows:
        fate, refusal = await single(core, row, options)
        counts[fate] += 1
        if refusal is not None:
            codes = [one.code for one in getattr(refusal, "violations", ())] or [refusal.code]
            errors += [RowError(row.line, code, "", "") for code in codes]
    return Tally(**counts), errors


async def single(core: Core, row: ImportRow, options: ImportOptions) -> tuple[str, UserCoreError | None]:
    found = None if options.mode is ImportMode.INSERT else await known(core, row, options.by)
    try:
        if found is None:
            if options.by is ImportKey.EXTERNAL_ID and not isinstance(row.patch.external_id, str):
                return "failed", None
            await core.create_user(CreateUserCommand(row.patch), a_context())
            return "created", None
        if options.mode is ImportMode.SKIP:
            return "skipped", None
        after = await core.update_user(UpdateUserCommand(found.id, row.patch), a_context())
    except UserCoreError as error:
        return "failed", error
    return "unchanged" if after == found else "updated", None


async def known(core: Core, row: ImportRow, by: ImportKey) -> User | None:
    raw = row.patch.email if by is ImportKey.EMAIL else row.patch.external_id
    if not isinstance(raw, str):
        return None
    try:
        value = core.ports.emails.parse(raw).canonical if by is ImportKey.EMAIL else raw.strip()
    except ValueError:
        return None
    return await core.ports.users.find(Lookup(by.lookup, value))


async def all_that_shows(core: Core, *, mail: bool) -> str:
    """Give all that the ports show of the pool's users, with ids as numbers in the order in which they appear."""
    users = [await core.ports.users.find(Lookup(LookupKind.EMAIL, email)) for email in POOL]
    shown: list[object] = []
    messages = await outbox(core.ports)
    for user in users:
        if user is None:
            continue
        [document] = (await core.ports.profiles.documents([user.id])).values()
        history = await core.ports.history.entries(user.id, below_version=None, limit=100)
        own = [(m.message, m.sequence, m.payload, m.headers, m.topic) for m in messages if m.user_id == user.id]
        shown += [user, document.body, [(one, one.changes) for one in history], own]
        shown += [user.profile.email, user.profile.username, user.profile.attributes, user.profile.external_id]
    shown.append(len(messages))
    told: dict[UserId, list[object]] = {one.user_id: [] for one in messages}
    for recipient in Recipient:
        while claimed := await core.ports.deliveries.claim(
            recipient=recipient, now=core.ports.clock.now(), lease_until=core.ports.clock.now(), limit=100
        ):
            for one in claimed:
                if mail or recipient is not Recipient.NOTIFICATION:
                    told[one.user_id].append((one.operation, one.payload, one.secret is None, one.created_at))
            await core.ports.deliveries.acknowledge(claimed, now=core.ports.clock.now())
    shown += [told[user.id] for user in users if user is not None]
    numbers: dict[str, str] = {}
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda m: _number(numbers, m[0]), repr(shown))


def _number(numbers: dict[str, str], found: str) -> str:
    return numbers.setdefault(found, f"#{len(numbers)}")


async def test_importing_rows_equals_creating_and_changing_users_one_by_one(
    core: Core, request: pytest.FixtureRequest
) -> None:
    """Turns build on each other, in every mode, by either key, with mail and without."""
    rng = random.Random(20)
    clock = core.ports.clock
    assert isinstance(clock, SetClock)
    single_core = assemble(evolve(memory_ports(), clock=clock, emails=core.ports.emails))
    for turn in range(24 if "memory" in request.node.name else 8):
        rows = any_rows(rng)
        options = ImportOptions(mode=list(ImportMode)[turn % 3], by=rng.choice(list(ImportKey)), invite=turn % 2 == 1)

        done, errors = await imported(core, rows, options, size=rng.choice([1, 3, 100]))
        tally, expected = await one_by_one(single_core, rows, options)

        assert done.progress.tally == tally
        if options.by is ImportKey.EMAIL:
            assert [(one.line, one.code) for one in errors] == [(one.line, one.code) for one in expected]
        shown, expected_shown = [await all_that_shows(one, mail=options.invite) for one in (core, single_core)]
        assert shown == expected_shown
        if turn == 3:
            for one in (core, single_core):
                user = await user_of(one, next(iter(await emails_of(one))))
                await one.deactivate_user(DeactivateUserCommand(user.id), a_context())
        clock.advance(seconds=1)
    assert not (await core.verify_audit(VerifyCommand())).findings


async def emails_of(core: Core) -> list[str]:
    found = [await core.ports.users.find(Lookup(LookupKind.EMAIL, email)) for email in POOL]
    return [user.profile.email.canonical for user in found if user is not None]


async def test_uploads_are_given_to_one_until_it_is_silent_and_go_with_their_import(core: Core) -> None:
    uploads, silent = core.ports.uploads, timedelta(seconds=30)

    async def data() -> AsyncIterator[bytes]:
        for piece in (b'{"email":"a@example.com",', b'"firstName":"A",', b'"lastName":"B"}\n'):
            yield piece

    begun = await core.receive_upload(ImportOptions(), data(), a_context())
    assert await core.receive_upload(ImportOptions(), data(), a_context()) == begun
    other = await core.receive_upload(ImportOptions(mode=ImportMode.SKIP), data(), a_context())
    await uploads.keep(ImportId(IDS.event_id()), 0, b"the rest never comes", at=NOW)

    assert await uploads.part(begun.id, 0) == b'{"email":"a@example.com","firstName":"A","lastName":"B"}\n'
    assert await uploads.part(begun.id, 1) is None
    assert await uploads.take(now=NOW, silent_since=NOW - silent) == begun
    assert await uploads.take(now=NOW, silent_since=NOW - silent) == other
    assert await uploads.take(now=NOW, silent_since=NOW - silent) is None
    assert await uploads.take(now=NOW + 2 * silent, silent_since=NOW + silent) == begun
    await core.end_import.cancel(other.id, a_context())
    assert await uploads.purge(NOW) == 0
    assert await uploads.purge(NOW + silent) == 2
    assert await uploads.part(begun.id, 0) is not None
    await uploads.drop(begun.id)
    assert await uploads.part(begun.id, 0) is None
