"""What every UserExporter promises."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.builders import NOW, SECOND, a_profile, creation, in_state, update
from tests.contracts.footprints import must_commit
from tests.strategies import NASTY
from usercore.bulk.exports.errors import ExportInvalidError
from usercore.bulk.exports.fields import PROFILE, chosen_fields
from usercore.bulk.exports.values import ExportFormat, Restricted, Selection
from usercore.codec.profile import profile_object, render_profile
from usercore.kernel.ids import UserId
from usercore.users.ports import Change
from usercore.users.queries import UserQuery
from usercore.users.values import AccountState, Address
from usercore.wiring.core import Ports

EVERYBODY = frozenset(AccountState) - {AccountState.ERASED}


def a_selection(*fields: str, form: ExportFormat = ExportFormat.NDJSON, **more: Any) -> Selection:
    query = more.pop("query", UserQuery(states=EVERYBODY))
    return Selection(query, chosen_fields(fields), form, in_order=True, **more)


async def exported(ports: Ports, selection: Selection) -> bytes:
    async with ports.exporter.open(selection) as export:
        return b"".join([chunk.data async for chunk in export.chunks()])


async def found(ports: Ports, **more: Any) -> set[UserId]:
    lines = (await exported(ports, a_selection("id", **more))).splitlines()
    return {UserId(json.loads(line)["id"]) for line in lines}


def nasty(text: str, place: int) -> Change:
    """Make a user of hostile text."""
    profile = a_profile(
        f"{'=+-@'[place % 3]}cmd{place}@example.com",
        first_name=text,
        last_name=f"{'=+-@'[place % 4]}SUM(A1)",
        phone_number="+441632960961",
        address=Address(street=text, city=None if place % 2 else text) if place % 3 else None,
        locale="de-CH",
        birth_date=None,
        attributes={text: [text, '\\"', "\u2028\x01\r\n\t", {"n": 0.1}]},
        external_id=f"{text} {place}",
    )
    return creation(profile)


HOSTILE = (*NASTY, "two\nlines", "tab\tbed\rback", "\\N", "\\.", 'a,"b"', "'=1", "\x7f\x1b[31m", "\x01\x02")


async def people(ports: Ports) -> Sequence[Change]:
    changes = [nasty(text, place) for place, text in enumerate(HOSTILE)]
    changes[0] = evolve(changes[0], user=evolve(changes[0].user, restricted=True))
    await must_commit(ports, *changes)
    return sorted(changes, key=lambda change: change.user.id)


async def test_lines_of_json_are_the_profiles_as_the_service_serves_them(ports: Ports) -> None:
    changes = await people(ports)

    written = await exported(ports, a_selection(restricted=Restricted.INCLUDE))

    assert written == b"".join(render_profile(change.user) + b"\n" for change in changes)


@pytest.mark.parametrize("formulas", [True, False])
async def test_a_csv_reads_back_as_the_leaves_of_the_profiles(ports: Ports, *, formulas: bool) -> None:
    changes = await people(ports)
    selection = a_selection(form=ExportFormat.CSV, restricted=Restricted.INCLUDE, formulas=formulas)

    written = await exported(ports, selection)

    read = list(csv.reader(io.StringIO(written.decode(), newline=""), strict=True))
    for change, row in zip(changes, read, strict=True):
        expected = [cell(profile_object(change.user), name, formulas=formulas) for name in PROFILE]
        assert row == expected
    if not formulas:
        assert all(not one.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for one in row)


def cell(document: Mapping[str, Any], name: str, *, formulas: bool) -> str:
    value: Any = document
    for part in name.split("."):
        value = None if value is None else value[part]
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return "'" + value if not formulas and value[0] in "=+-@\t\r" else value
        case dict():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(value)


async def test_chosen_fields_stand_in_their_place_and_nothing_else_does(ports: Ports) -> None:
    lives, nowhere = (
        creation(a_profile(address=Address(city="Rome")), user_id=UserId("01900000-0000-7000-8000-000000000001")),
        creation(user_id=UserId("01900000-0000-7000-8000-000000000002")),
    )
    await must_commit(ports, lives, nowhere)
    selection = a_selection("version", "address.city", "verification.email", "address.country")

    lines = (await exported(ports, selection)).splitlines()
    cells = (await exported(ports, evolve(selection, format=ExportFormat.CSV))).splitlines()

    verified = '"verification":{"email":{"verified":false,"verifiedAt":null}},"version":1}'
    assert lines == [
        ('{"address":{"city":"Rome","country":null},' + verified).encode(),
        ('{"address":null,' + verified).encode(),
    ]
    assert cells == [b"Rome,,false,,1", b",,false,,1"]
    async with ports.exporter.open(selection) as export:
        assert ",".join(export.columns) == ",".join(selection.fields)


async def test_what_is_written_meanwhile_does_not_show(ports: Ports) -> None:
    before = creation()
    await must_commit(ports, before)

    async with ports.exporter.open(a_selection()) as export:
        await must_commit(ports, update(before.user, first_name="Later"), creation())
        written = b"".join([chunk.data async for chunk in export.chunks()])

    assert written == render_profile(before.user) + b"\n"


async def test_nobody_at_all_is_an_empty_export(ports: Ports) -> None:
    for form in ExportFormat:
        assert await exported(ports, a_selection(form=form)) == b""


async def test_erased_users_never_and_merged_and_restricted_ones_only_where_asked_for(ports: Ports) -> None:
    states = {state: in_state(creation(), state) for state in AccountState}
    kept_only = creation()
    kept_only = evolve(kept_only, user=evolve(kept_only.user, restricted=True))
    await must_commit(ports, *states.values(), kept_only)
    ids = {state: change.user.id for state, change in states.items()}
    present = {ids[AccountState.ACTIVE], ids[AccountState.DEACTIVATED]}

    assert await found(ports, query=UserQuery()) == present
    assert await found(ports, query=UserQuery(states=frozenset(AccountState))) == present | {ids[AccountState.MERGED]}
    assert await found(ports, query=UserQuery(states=frozenset({AccountState.ERASED}))) == set()
    assert await found(ports, query=UserQuery(), restricted=Restricted.ONLY) == {kept_only.user.id}
    assert await found(ports, query=UserQuery(), restricted=Restricted.INCLUDE) == present | {kept_only.user.id}


async def test_filters_are_those_of_a_list(ports: Ports) -> None:
    grace = creation(a_profile("Grace@Example.com", username="o'grace\\", external_id="CRM-1"))
    other = creation(a_profile(first_name="Ada"), now=NOW + timedelta(days=1))
    await must_commit(ports, grace, other)
    mine, yours = {grace.user.id}, {other.user.id}

    assert await found(ports, query=UserQuery(email="grace@example.com")) == mine
    assert await found(ports, query=UserQuery(username="o'grace\\")) == mine
    assert await found(ports, query=UserQuery(external_id="CRM-1")) == mine
    assert await found(ports, query=UserQuery(email="nobody' OR '1'='1")) == set()
    assert await found(ports, query=UserQuery(username="\x00")) == set()
    assert await found(ports, query=UserQuery(created_after=NOW)) == yours
    assert await found(ports, query=UserQuery(created_before=NOW + SECOND, updated_after=NOW - SECOND)) == mine
    assert await found(ports, query=UserQuery(words=("ada",))) == yours
    assert await found(ports, query=UserQuery(words=("o'gra\\", "'")), restricted=Restricted.EXCLUDE) == set()


def test_fields_are_chosen_by_name_or_by_what_they_belong_to() -> None:
    assert chosen_fields([]) == PROFILE
    assert chosen_fields(["activity", "address.city", "id", "id"]) == ("id", "address.city", "activity")
    assert chosen_fields(["emailPreferences", "verification.phone"])[:-1] == (
        "verification.phone.verified",
        "verification.phone.verifiedAt",
    )
    for strange in ("password", "addr", "address.", "", "search_words", 'id"'):
        with pytest.raises(ExportInvalidError):
            chosen_fields(["id", strange])
