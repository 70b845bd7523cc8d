"""What every PurposeRegistry and ConsentLedger promises."""

from attrs import evolve

from tests.builders import IDS, NOW, OPERATOR, SECOND, a_context, creation
from tests.contracts.footprints import footprint, must_commit
from usercore.kernel.changes import FieldChange
from usercore.kernel.ids import UserId
from usercore.privacy.consents.events import ConsentRecord, UserConsentChanged
from usercore.privacy.consents.values import Consent, LedgerEntry, Purpose
from usercore.users.errors import StaleVersionError
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.wiring.core import Ports


def a_purpose(name: str) -> Purpose:
    return Purpose(name, f"Title of {name} 'é𐐷'", "", "2026-01", NOW)


def a_line(user: User, purpose: str, *, given: bool, proof: str | None = None) -> Change:
    """Give the change by which a user says something of a purpose."""
    after = user.touch(now=user.updated_at + SECOND)
    said = Consent(purpose, given, "2026-01", "sign-up 'é𐐷'", after.updated_at)
    return Change(
        user=after,
        event_id=IDS.event_id(),
        event=UserConsentChanged(after.id, purpose, given, said.wording_version, said.at),
        changes=(FieldChange(f"consents.{purpose}", None, said),),
        context=a_context(),
        records=(ConsentRecord(LedgerEntry(after.id, after.version, said, OPERATOR, proof)),),
    )


def line_of(change: Change) -> LedgerEntry:
    [record] = change.records
    assert isinstance(record, ConsentRecord)
    return record.entry


async def test_purposes_are_listed_by_name_character_by_character(ports: Ports) -> None:
    names = ["sale", "a1", "a", "ab", "a-b", "ads", "a-a"]
    for name in names:
        await ports.purposes.put(a_purpose(name))

    assert list(await ports.purposes.all()) == [a_purpose(name) for name in sorted(names)]


async def test_a_purpose_of_the_same_name_is_replaced(ports: Ports) -> None:
    await ports.purposes.put(a_purpose("ads"))
    changed = evolve(a_purpose("ads"), title="Ads", description="x", wording_version="2", registered_at=NOW + SECOND)

    await ports.purposes.put(changed)

    assert list(await ports.purposes.all()) == [changed]


async def test_of_users_who_said_nothing_the_ledger_is_empty_known_or_not(ports: Ports) -> None:
    for user_id in (IDS.user_id(), UserId("somebody")):
        assert dict(await ports.consents.latest(user_id)) == {}
        assert list(await ports.consents.entries(user_id, below_version=None, limit=10)) == []


async def test_the_last_line_of_each_purpose_holds_and_all_are_kept(ports: Ports) -> None:
    made, other = creation(), creation()
    first = a_line(made.user, "ads", given=True, proof="form 'é𐐷' 7")
    second = a_line(first.user, "sale", given=False)
    third = a_line(second.user, "ads", given=False)
    foreign = a_line(other.user, "ads", given=True)
    await must_commit(ports, made, other)
    for change in (first, second, third, foreign):
        await must_commit(ports, change)
    lines = [line_of(change) for change in (first, second, third)]

    ledger, user_id = ports.consents, made.user.id
    assert dict(await ledger.latest(user_id)) == {"ads": lines[2], "sale": lines[1]}
    assert dict(await ledger.latest(user_id, up_to_version=3)) == {"ads": lines[0], "sale": lines[1]}
    assert dict(await ledger.latest(user_id, up_to_version=1)) == {}
    assert list(await ledger.entries(user_id, below_version=None, limit=10)) == lines[::-1]
    assert list(await ledger.entries(user_id, below_version=None, limit=2)) == [lines[2], lines[1]]
    assert list(await ledger.entries(user_id, below_version=3, limit=10)) == [lines[0]]


async def test_what_was_said_stands_in_history_and_goes_out(ports: Ports) -> None:
    made = creation()
    change = a_line(made.user, "ads", given=True, proof="form 7")
    await must_commit(ports, made)
    await must_commit(ports, change)

    [entry, _] = await ports.history.entries(made.user.id, below_version=None, limit=10)
    assert entry.changes == change.changes
    [_, message] = await ports.outbox.messages(after=0, limit=10)
    assert (message.message, message.topic, message.sequence) == ("UserConsentChanged", "user-consent-changed", 2)
    assert b"form 7" not in message.payload


async def test_of_a_change_that_lost_no_line_is_kept(ports: Ports) -> None:
    made = creation()
    winner, loser = (a_line(made.user, "ads", given=given) for given in (False, True))
    await must_commit(ports, made)
    await must_commit(ports, winner)
    before = await footprint(ports, [made.user.id])

    [refusal] = await ports.writer.commit([loser])

    assert isinstance(refusal, StaleVersionError)
    assert dict(await ports.consents.latest(made.user.id)) == {"ads": line_of(winner)}
    assert await footprint(ports, [made.user.id]) == before
