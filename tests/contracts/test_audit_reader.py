"""Reading the audit trail: every condition, page by page, and never another's entry."""

from datetime import timedelta

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, OPERATOR, SECOND, creation, update
from usercore.adapters.sql import audit_reader
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry, ChainedEntry
from usercore.audit.evidence import listed_hash
from usercore.audit.query import AuditQuery, read_cursor
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.wiring.core import Ports

SHOP = Actor(ActorKind.SERVICE, "shop")


def an_entry(user_id: UserId, after: int = 0, *, action: str = "UserRead", actor: Actor = OPERATOR) -> AuditEntry:
    """Give an entry some seconds after noon."""
    return AuditEntry(
        user_id=user_id,
        event_id=IDS.event_id(),
        at=NOW + after * SECOND,
        actor=actor,
        action=action,
        fields=("profile",),
        correlation_id="look-1",
        causation_id=None,
    )


async def every(ports: Ports, query: AuditQuery) -> list[ChainedEntry]:
    """Give all pages of a query, one after another."""
    found: list[ChainedEntry] = []
    while True:
        page = await ports.audit_reader.page(query)
        assert len(page.items) <= query.limit
        found += page.items
        if page.next_cursor is None:
            return found
        query = evolve(query, after=read_cursor(page.next_cursor))


async def test_what_a_change_left_is_read_as_it_was_written(ports: Ports) -> None:
    born = creation()
    changed = update(born.user, first_name="Ada")
    assert await ports.writer.commit([born]) == [None]
    assert await ports.writer.commit([changed]) == [None]

    newest, oldest = await every(ports, AuditQuery(born.user.id))

    assert [one.sequence for one in (oldest, newest)] == [1, 2]
    assert [one.entry.version for one in (oldest, newest)] == [1, 2]
    assert (newest.entry.event_id, newest.entry.action) == (changed.event_id, "UserUpdated")
    assert (newest.entry.at, newest.entry.actor) == (changed.user.updated_at, changed.context.actor)
    assert newest.entry.fields == ("first_name",)


async def test_conditions_combine(ports: Ports) -> None:
    one, other = IDS.user_id(), IDS.user_id()
    entries = [
        an_entry(one, 0),
        an_entry(one, 1, action="UserUpdated"),
        an_entry(other, 2),
        an_entry(one, 3, actor=SHOP),
        an_entry(other, 4, actor=SHOP, action="UserUpdated"),
    ]
    await ports.trail.append(entries)

    async def found(query: AuditQuery) -> list[int]:
        return [entries.index(one.entry) for one in await every(ports, query)]

    assert await found(AuditQuery()) == [4, 3, 2, 1, 0]
    assert await found(AuditQuery(one)) == [3, 1, 0]
    assert await found(AuditQuery(actor=OPERATOR)) == [2, 1, 0]
    assert await found(AuditQuery(actor=SHOP)) == [4, 3]
    assert await found(AuditQuery(one, actor=SHOP)) == [3]
    assert await found(AuditQuery(action="UserUpdated")) == [4, 1]
    assert await found(AuditQuery(actor=OPERATOR, action="UserUpdated")) == [1]
    assert await found(AuditQuery(since=NOW + SECOND, until=NOW + 3 * SECOND)) == [2, 1]
    assert await found(AuditQuery(one, since=NOW + SECOND)) == [3, 1]
    assert await found(AuditQuery(actor=OPERATOR, until=NOW + SECOND)) == [0]
    assert await found(AuditQuery(UserId("nobody"))) == []
    assert await found(AuditQuery(action="\x00")) == []


async def test_pages_follow_one_another_without_a_gap_or_a_repetition(ports: Ports) -> None:
    user_id = IDS.user_id()
    # Several of one moment, so that the ids must decide among them.
    entries = [an_entry(user_id, number // 3) for number in range(10)]
    await ports.trail.append(entries)

    for limit in (1, 3, 10, 11):
        found = [one.entry for one in await every(ports, AuditQuery(limit=limit))]
        assert found == sorted(entries, key=lambda one: (one.at, one.event_id), reverse=True)
        assert [one.entry for one in await every(ports, AuditQuery(user_id, limit=limit))] == found


async def test_a_list_is_found_by_each_user_that_it_showed_and_by_nobody_else(ports: Ports) -> None:
    shown, hidden = IDS.user_id(), IDS.user_id()
    listing = evolve(an_entry(SERVICE_CHAIN, 5, action="UsersListed"), contents_hash=listed_hash([shown]))
    await ports.listings.append_listing(listing, [shown])
    await ports.trail.append([an_entry(shown, 1), an_entry(shown, 9), an_entry(hidden, 2)])

    assert [one.entry.action for one in await every(ports, AuditQuery(shown, limit=1))] == [
        "UserRead",
        "UsersListed",
        "UserRead",
    ]
    assert [one.entry.action for one in await every(ports, AuditQuery(hidden))] == ["UserRead"]
    assert [one.entry for one in await every(ports, AuditQuery(SERVICE_CHAIN))] == [listing]


async def test_what_is_rare_is_found_page_by_page(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reader, "LOOKED_AT", 4)
    user_id = IDS.user_id()
    entries = [an_entry(user_id, number, action="Rare" if number in {0, 7} else "Usual") for number in range(12)]
    await ports.trail.append(entries)

    found = [one.entry for one in await every(ports, AuditQuery(action="Rare"))]

    assert found == [entries[7], entries[0]]
    assert await every(ports, AuditQuery(action="Never", since=NOW - timedelta(days=1))) == []
