"""What every PersonalDataReader promises."""

import pytest
from attrs import evolve

from tests.builders import NOW, OPERATOR, SECOND, a_profile, creation, deactivation, update
from tests.contracts.footprints import must_commit
from tests.contracts.test_verifications import a_verification
from tests.facts import failure, order, points, record, success
from usercore.adapters.memory.personal_data import READERS
from usercore.codec.personal_data import history_row, user_row
from usercore.delivery.values import Recipient
from usercore.kernel.ids import UserId
from usercore.kernel.secret import Secret
from usercore.preferences.events import PreferencesRecord
from usercore.preferences.values import EmailPreference
from usercore.privacy.classification import TABLES, Exported
from usercore.privacy.consents.events import ConsentRecord
from usercore.privacy.consents.values import Consent, LedgerEntry
from usercore.privacy.export.ports import PersonalRow
from usercore.users.model import User
from usercore.users.values import Address
from usercore.verification.records import VerificationRecord
from usercore.wiring.core import Ports

SECTIONS = [table.name for table in TABLES if table.section is not None]
EXPORTED = {
    table.name: {column.name for column in table.columns if isinstance(column.export, Exported)} for table in TABLES
}
TOLD = {
    "users",
    "user_history",
    "email_preferences",
    "consents",
    "activity_facts",
    "audit_entries",
    "deliveries",
    "verifications",
}
"""What the life of this page's user leaves rows in."""


async def a_life(ports: Ports) -> User:
    """Commit a user with something in every table, between the changes of another."""
    address = Address(city="London", country="GB")
    first = creation(a_profile(address=address, attributes={"size": 3, "list": ["a", None]}))
    said = EmailPreference("news", subscribed=True, source="signup-form", at=NOW, wording_version="w1")
    second = update(first.user, phone_number="+4412345678", locale="en-GB")
    second = evolve(second, records=(PreferencesRecord(first.user.id, (said,)), _consent(first.user)))
    third = deactivation(second.user)
    link = a_verification(first.user, code_hash=None, code_expires_at=None)
    first = evolve(first, records=(VerificationRecord(link, Secret("first-link")),))
    await must_commit(ports, first, creation(), second, creation(), third)
    await record(ports, order("o1", first.user.id), points("p1", first.user.id, reason="birthday"))
    await record(ports, failure("f1", "o1"), success("s1", "o1"))
    return third.user


def _consent(user: User) -> ConsentRecord:
    given = Consent("profiling", given=True, wording_version="1", source="signup-form", at=NOW)
    return ConsentRecord(LedgerEntry(user.id, user.version + 1, given, OPERATOR, "a signed form"))


async def rows_of(ports: Ports, table: str, user_id: UserId) -> list[PersonalRow]:
    return [row async for rows in ports.personal_data.batches(table, user_id) for row in rows]


@pytest.mark.parametrize("table", SECTIONS)
async def test_a_row_has_every_column_that_is_exported(ports: Ports, table: str) -> None:
    user = await a_life(ports)

    rows = await rows_of(ports, table, user.id)

    assert bool(rows) == (table in TOLD)
    assert [EXPORTED[table] - row.keys() for row in rows] == [set()] * len(rows)


async def test_the_user_is_told_as_they_stand(ports: Ports) -> None:
    user = await a_life(ports)

    [row] = await rows_of(ports, "users", user.id)

    assert row == user_row(user)
    assert (row["address_city"], row["attributes"]) == ("London", {"list": ["a", None], "size": 3})


async def test_verifications_are_told_in_order_and_without_hashes(ports: Ports) -> None:
    user = await a_life(ports)

    [row] = await rows_of(ports, "verifications", user.id)

    assert (row["channel"], row["state"], row["attempts"]) == ("email", "CANCELLED", 0)
    assert (row["started_at"], row["link_expires_at"]) == ("2026-03-01T12:00:00.123456Z", "2026-03-02T12:00:00.123456Z")
    assert not [name for name in row if name.endswith("hash")]


async def test_history_is_told_whole_and_newest_first(ports: Ports) -> None:
    user = await a_life(ports)
    remembered = await ports.history.entries(user.id, below_version=None, limit=10)

    rows = await rows_of(ports, "user_history", user.id)

    assert rows == [history_row(entry) for entry in remembered]
    assert [row["version"] for row in rows] == [3, 2, 1]


async def test_facts_are_told_in_one_form_whoever_keeps_them(ports: Ports) -> None:
    user = await a_life(ports)

    rows = await rows_of(ports, "activity_facts", user.id)

    told = [(row["kind"], row["fact_id"], row["order_id"], row["amount"], row["points"], row["reason"]) for row in rows]
    assert told == [
        ("ORDER_PLACED", "o1", None, "59.9", None, None),
        ("PAYMENT_FAILED", "f1", "o1", None, None, None),
        ("PAYMENT_SUCCEEDED", "s1", "o1", "59.9", None, None),
        ("POINTS_EARNED", "p1", None, None, 100, "birthday"),
    ]
    assert {row["occurred_at"] for row in rows} == {"2026-03-01T12:00:00.123456Z"}


async def test_preferences_audit_and_deliveries_are_told(ports: Ports) -> None:
    user = await a_life(ports)

    [said] = await rows_of(ports, "email_preferences", user.id)
    [consent] = await rows_of(ports, "consents", user.id)
    audited = await rows_of(ports, "audit_entries", user.id)
    told = await rows_of(ports, "deliveries", user.id)

    assert (said["topic"], said["subscribed"], said["said_at"]) == ("news", True, "2026-03-01T12:00:00.123456Z")
    assert (consent["purpose"], consent["given"], consent["proof"]) == ("profiling", True, "a signed form")
    assert [entry["action"] for entry in audited] == ["UserCreated", "UserUpdated", "UserDeactivated"]
    assert {"PROVISION_CREDENTIAL", "SEND_INVITATION", "RECORD_ENTRY"} <= {str(row["operation"]) for row in told}
    assert all("secret" not in row for row in told)


@pytest.mark.parametrize("table", SECTIONS)
@pytest.mark.parametrize("nobody", ["00000000-0000-7000-8000-000000000000", "somebody"])
async def test_nobody_has_no_rows(ports: Ports, table: str, nobody: str) -> None:
    await a_life(ports)

    assert await rows_of(ports, table, UserId(nobody)) == []


async def test_what_a_service_acknowledged_is_told_without_what_it_was_told(ports: Ports) -> None:
    user = await a_life(ports)
    taken = await ports.deliveries.claim(
        recipient=Recipient.NOTIFICATION, now=NOW + 60 * SECOND, lease_until=NOW + 90 * SECOND, limit=10
    )
    await ports.deliveries.acknowledge(taken, now=NOW + 61 * SECOND)

    rows = await rows_of(ports, "deliveries", user.id)

    heard = [row for row in rows if row["delivered_at"]]
    assert [(row["operation"], row["payload"]) for row in heard] == [("SEND_INVITATION", {})]
    assert heard[0]["delivered_at"] == "2026-03-01T12:01:01.123456Z"


def test_whatever_has_a_section_is_read_in_memory_too() -> None:
    assert READERS.keys() == set(SECTIONS)
