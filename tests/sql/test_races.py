"""Writers that meet: one wins, the others learn why not, and nothing is lost or left half done."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
from attrs import evolve

from tests.builders import IDS, NOW, SECOND, a_context, a_profile, an_email, creation, update
from tests.keys import MASTER_KEYS
from usercore.adapters.sql import Database, SqlPorts, open_database, sql_ports
from usercore.delivery.ports import OutboxMessage
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import Claim, ClaimLostError, IdempotencyKey, KeyInFlightError, Settled
from usercore.kernel.secret import Secret
from usercore.preferences.events import PreferencesRecord, UserEmailPreferencesUpdated
from usercore.preferences.values import EmailPreference
from usercore.settings import DatabaseSettings
from usercore.users.errors import EmailTakenError, ExternalIdTakenError, StaleVersionError, UsernameTakenError
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.values import EmailAddress


async def all_messages(ports: SqlPorts) -> Sequence[OutboxMessage]:
    return await ports.outbox.messages(after=0, limit=1_000_000)


def kinds(outcomes: Sequence[UserCoreError | None]) -> Counter[type | None]:
    return Counter(None if one is None else type(one) for one in outcomes)


async def test_of_many_creations_with_one_email_exactly_one_wins(ports: SqlPorts) -> None:
    spellings = ["grace@example.com", "GRACE@example.com", "Grace@Example.COM", "grace@EXAMPLE.com"]
    changes = [creation(a_profile(spellings[n % 4], username=f"name{n}")) for n in range(200)]
    random.shuffle(changes)
    batches = [changes[start : start + size] for start, size in _cuts(len(changes))]

    outcomes = [one for many in await asyncio.gather(*map(ports.writer.commit, batches)) for one in many]

    assert kinds(outcomes) == {None: 1, EmailTakenError: 199}
    [winner] = await all_messages(ports)
    assert set(await ports.users.get_many([change.user.id for change in changes])) == {winner.user_id}
    assert await ports.deliveries.waiting() == 3


def _cuts(total: int) -> list[tuple[int, int]]:
    cuts, start = [], 0
    while start < total:
        size = random.choice((1, 1, 2, 5, 9))
        cuts.append((start, size))
        start += size
    return cuts


async def test_domains_that_are_written_in_two_scripts_are_one_email(ports: SqlPorts) -> None:
    canonical = "ada@xn--bcher-kva.example"
    written = [EmailAddress(given, canonical) for given in ("ada@bücher.example", "ada@BÜCHER.example", canonical)]
    changes = [creation(evolve(a_profile(username=f"n{n}"), email=email)) for n, email in enumerate(written * 20)]

    outcomes = [one for [one] in await asyncio.gather(*(ports.writer.commit([change]) for change in changes))]

    assert kinds(outcomes) == {None: 1, EmailTakenError: 59}


async def test_a_refusal_names_email_before_username_before_external_id(ports: SqlPorts) -> None:
    first = creation(a_profile("ada@example.com", username="ada", external_id="x1"))
    assert await ports.writer.commit([first]) == [None]
    same = [
        creation(a_profile("ada@example.com", username="ada", external_id="x1")),
        creation(a_profile(username="ada", external_id="x1")),
        creation(a_profile(external_id="x1")),
    ]

    assert list(map(type, await ports.writer.commit(same))) == [
        EmailTakenError,
        UsernameTakenError,
        ExternalIdTakenError,
    ]


async def test_of_fifty_updates_of_one_version_exactly_one_wins(ports: SqlPorts) -> None:
    born = creation()
    assert await ports.writer.commit([born]) == [None]
    changes = [update(born.user, first_name=f"Grace {n}") for n in range(50)]

    outcomes = [one for [one] in await asyncio.gather(*(ports.writer.commit([change]) for change in changes))]

    assert kinds(outcomes) == {None: 1, StaleVersionError: 49}
    assert {one.current for one in outcomes if isinstance(one, StaleVersionError)} == {2}
    winner = changes[outcomes.index(None)]
    assert await ports.users.get_many([born.user.id]) == {born.user.id: winner.user}
    assert [entry.version for entry in await ports.history.entries(born.user.id, below_version=None, limit=9)] == [2, 1]


async def test_each_users_events_stand_in_the_order_of_versions_under_many_writers(ports: SqlPorts) -> None:
    born = [creation() for _ in range(6)]
    assert await ports.writer.commit(born) == [None] * 6

    async def write(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(15):
            chosen = rng.sample(born, 3)
            users = await ports.users.get_many([change.user.id for change in chosen])
            await ports.writer.commit([update(users[c.user.id], first_name=f"{seed} {rng.random()}") for c in chosen])

    await asyncio.gather(*map(write, range(8)))

    by_user: dict[UserId, list[OutboxMessage]] = defaultdict(list)
    for message in await all_messages(ports):
        by_user[message.user_id].append(message)
    users = await ports.users.get_many(list(by_user))
    for user_id, messages in by_user.items():
        assert [message.sequence for message in messages] == list(range(1, users[user_id].version + 1))
    assert sum(user.version for user in users.values()) > 6


async def test_nobody_sees_a_later_event_of_a_user_before_an_earlier_one(ports: SqlPorts) -> None:
    [born] = changes = [creation()]
    assert await ports.writer.commit(changes) == [None]
    seen: list[tuple[int, ...]] = []

    async def watch() -> None:
        while not seen or len(seen[-1]) < 40:
            seen.append(tuple(message.sequence for message in await all_messages(ports)))

    async def write() -> None:
        for _ in range(400):
            user = (await ports.users.get_many([born.user.id]))[born.user.id]
            if user.version >= 40:
                return
            await ports.writer.commit([update(user, first_name=f"{user.version} {random.random()}")])

    await asyncio.gather(watch(), *(write() for _ in range(4)))

    assert all(sequences == tuple(range(1, len(sequences) + 1)) for sequences in seen)


async def test_overlapping_batches_in_any_order_all_end_and_lose_nothing(ports: SqlPorts) -> None:
    born = [creation() for _ in range(12)]
    assert await ports.writer.commit(born) == [None] * 12
    ids = [change.user.id for change in born]
    won: Counter[UserId] = Counter()

    async def write(seed: int) -> None:
        rng = random.Random(seed)
        for turn in range(12):
            users = list((await ports.users.get_many(ids)).values())
            rng.shuffle(users)
            # Some swap emails and external ids about, so that index entries are waited for as well as rows.
            batch = [update(user, **_trade(rng, seed, turn)) for user in users[: rng.randint(2, 12)]]
            outcomes = await ports.writer.commit(batch)
            won.update(change.user.id for change, one in zip(batch, outcomes, strict=True) if one is None)

    await asyncio.wait_for(asyncio.gather(*map(write, range(8))), timeout=60)

    users = await ports.users.get_many(ids)
    assert {user_id: user.version - 1 for user_id, user in users.items()} == {one: won[one] for one in ids}


def _trade(rng: random.Random, seed: int, turn: int) -> dict[str, Any]:
    traded = {"external_id": f"x{rng.randint(0, 9)}"} if rng.random() < 0.5 else {}
    return {"first_name": f"{seed}.{turn}.{rng.random()}", **traded}


async def test_batches_over_the_same_users_never_deadlock(migrated_database_url: str) -> None:
    async with open_database(DatabaseSettings(url=Secret(migrated_database_url))) as database:
        ports = sql_ports(database, MASTER_KEYS)
        born = [creation() for _ in range(30)]
        assert await ports.writer.commit(born) == [None] * 30

        async def write(seed: int) -> None:
            for turn in range(10):
                users = list((await ports.users.get_many([change.user.id for change in born])).values())
                random.Random(seed * 100 + turn).shuffle(users)
                await ports.writer.commit([update(user, first_name=f"{seed}.{turn}") for user in users[:20]])

        await asyncio.gather(*map(write, range(8)))
    # A backend tells its statistics when it ends.
    async with await psycopg.AsyncConnection.connect(migrated_database_url, autocommit=True) as watcher:
        found = await watcher.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert await found.fetchone() == (0,)


async def test_creations_that_cross_in_several_names_all_end(ports: SqlPorts) -> None:
    async def write(seed: int) -> Sequence[UserCoreError | None]:
        rng = random.Random(seed)
        numbers = rng.sample(range(20), 10)
        batch = [
            creation(a_profile(f"u{n}@example.com", username=f"n{rng.randint(0, 19)}", external_id=f"x{19 - n}"))
            for n in numbers
        ]
        return await ports.writer.commit(batch)

    results = await asyncio.wait_for(asyncio.gather(*map(write, range(12))), timeout=60)

    created = sum(one is None for outcomes in results for one in outcomes)
    assert created == len(await all_messages(ports)) > 0
    assert await ports.deliveries.waiting() == 3 * created


async def test_a_batch_in_which_one_takes_a_name_in_use_refuses_that_one_alone(ports: SqlPorts) -> None:
    born = [creation() for _ in range(9)]
    assert await ports.writer.commit(born) == [None] * 9
    taken = born[0].user.profile.email
    batch = [update(change.user, first_name="new") for change in born[1:]]
    batch[3] = update(born[4].user, email=taken, username="other")

    outcomes = await ports.writer.commit(batch)

    assert kinds(outcomes) == {None: 7, EmailTakenError: 1}
    assert isinstance(outcomes[3], EmailTakenError)
    assert len(await all_messages(ports)) == 9 + 7
    assert (await ports.users.get_many([born[4].user.id]))[born[4].user.id] == born[4].user


async def test_of_a_batch_every_table_holds_only_what_the_winners_bring(ports: SqlPorts, database: Database) -> None:
    born = [creation() for _ in range(2)]
    taken = creation(a_profile(born[0].user.profile.email.address))
    assert kinds(await ports.writer.commit([*born, taken])) == {None: 2, EmailTakenError: 1}
    first, second = (_says(change.user, subscribed=True) for change in born)
    assert await ports.writer.commit([first, second]) == [None, None]
    third, stale = _says(first.user, subscribed=False), _says(born[1].user, subscribed=False)

    assert kinds(await ports.writer.commit([third, stale])) == {None: 1, StaleVersionError: 1}

    said = await ports.preferences.get_many([born[0].user.id, born[1].user.id])
    assert [one["news"].subscribed for one in said.values()] == [False, True]
    for table, (column, expected) in _BROUGHT.items():
        rows = await database.fetch(f"SELECT {column}::text FROM {table}".encode())
        [one, other] = [[row for row in rows if row == (change.user.id,)] for change in born]
        assert (table, len(one), len(other), len(rows)) == (table, *expected, sum(expected))


_BROUGHT = {
    "users": ("id", (1, 1)),
    "outbox": ("aggregateid", (3, 2)),
    "user_history": ("user_id", (3, 2)),
    "audit_entries": ("user_id", (3, 2)),
    "deliveries": ("user_id", (5, 4)),
    "email_preferences": ("user_id", (1, 1)),
}
"""How many rows three steps of one user and two of another leave: a creation tells three services, the rest one."""


def _says(user: User, *, subscribed: bool) -> Change:
    said = (EmailPreference("news", subscribed, "form", NOW, "v1"),)
    after = user.touch(now=NOW)
    return Change(
        user=after,
        event_id=IDS.event_id(),
        event=UserEmailPreferencesUpdated(user.id, NOW, said),
        changes=(),
        context=a_context(),
        records=(PreferencesRecord(user.id, said),),
    )


async def test_a_user_whose_id_is_no_uuid_is_refused_alone(ports: SqlPorts) -> None:
    good, wrong = creation(), creation(user_id=UserId("u1"))

    assert [one and one.code for one in await ports.writer.commit([wrong, good])] == ["invalid", None]
    assert [one and one.code for one in await ports.writer.commit([wrong])] == ["invalid"]
    assert [one and one.code for one in await ports.writer.commit([update(wrong.user, first_name="x")])] == [
        "user_not_found"
    ]


async def test_text_that_cannot_be_stored_is_refused_alone(ports: SqlPorts) -> None:
    good, nul, surrogate = creation(), creation(a_profile(last_name="\x00")), creation(a_profile(last_name="\ud800"))

    outcomes = await ports.writer.commit([nul, good, surrogate])

    assert [one and one.code for one in outcomes] == ["invalid", None, "invalid"]
    assert [message.user_id for message in await all_messages(ports)] == [good.user.id]


async def test_a_name_that_is_given_up_while_another_wants_it_is_had_by_one_of_them(ports: SqlPorts) -> None:
    """A creation refused for a name that is free again by the time it asks why is simply tried again."""
    for n in range(30):
        email = an_email(f"shared{n}@example.com")
        owner = creation(evolve(a_profile(username=f"owner{n}"), email=email))
        assert await ports.writer.commit([owner]) == [None]
        gives_up = update(owner.user, email=an_email())
        wants = creation(evolve(a_profile(username=f"other{n}"), email=email))

        [[gone], [created]] = await asyncio.gather(ports.writer.commit([gives_up]), ports.writer.commit([wants]))

        assert gone is None
        assert created is None or isinstance(created, EmailTakenError)
        stored = await ports.users.get_many([wants.user.id])
        assert (wants.user.id in stored) is (created is None)


async def claimed(ports: SqlPorts, key: IdempotencyKey, at: int = 0) -> Claim | Settled:
    now = NOW + at * SECOND
    return await ports.ledger.claim(
        key, now=now, lease_until=now + timedelta(minutes=1), expires_at=now + timedelta(days=1)
    )


async def test_of_many_tries_of_one_key_one_claims_it(ports: SqlPorts) -> None:
    key = IdempotencyKey("caller", "key", b"f")

    results = await asyncio.gather(*(claimed(ports, key) for _ in range(40)), return_exceptions=True)

    assert Counter(map(type, results)) == {Claim: 1, KeyInFlightError: 39}


async def test_a_try_whose_claim_was_taken_over_leaves_no_trace(ports: SqlPorts, database: Database) -> None:
    key = IdempotencyKey("caller", "key", b"f")
    slow, quick = await claimed(ports, key), await claimed(ports, key, at=120)
    assert isinstance(slow, Claim)
    assert isinstance(quick, Claim)

    def a_try(claim: Claim) -> Change:
        return creation(context=a_context(claim))

    late, first = a_try(slow), a_try(quick)
    [[refused], [done]] = await asyncio.gather(ports.writer.commit([late]), ports.writer.commit([first]))

    assert isinstance(refused, ClaimLostError)
    assert done is None
    assert await claimed(ports, key, at=121) == Settled(first.user.id, 1)
    assert [message.user_id for message in await all_messages(ports)] == [first.user.id]
    [(users,)] = await database.fetch(b"SELECT count(*) FROM users")
    assert users == 1


async def test_claimed_and_plain_changes_share_a_call_without_harm(ports: SqlPorts) -> None:
    claims = [await claimed(ports, IdempotencyKey("caller", f"key{n}", b"f")) for n in range(3)]
    taken = creation(a_profile("ada@example.com"))
    changes: list[Change] = [taken]
    for claim in claims:
        assert isinstance(claim, Claim)
        profile = a_profile("ada@example.com") if claim is claims[1] else None
        changes.append(creation(profile, context=a_context(claim)))
    changes.append(update(changes[1].user, first_name="Ada"))

    outcomes = await ports.writer.commit(changes)

    assert [one and one.code for one in outcomes] == [None, None, "email_taken", None, None]
    assert await claimed(ports, IdempotencyKey("caller", "key0", b"f")) == Settled(changes[1].user.id, 1)
    # The refused one's claim was rolled back with it: it is still its try's own.
    assert isinstance(claims[1], Claim)
    await ports.ledger.release(claims[1])
    assert isinstance(await claimed(ports, IdempotencyKey("caller", "key1", b"f")), Claim)


async def test_a_user_is_never_seen_half_written(ports: SqlPorts) -> None:
    """Whoever sees the user sees the event, the history and the profile of that version too."""
    born = creation()
    assert await ports.writer.commit([born]) == [None]
    done = asyncio.Event()

    async def write() -> None:
        user: User = born.user
        for n in range(40):
            change = update(user, first_name=f"Grace {n}")
            assert await ports.writer.commit([change]) == [None]
            user = change.user
        done.set()

    async def watch() -> None:
        while not done.is_set():
            document = (await ports.profiles.documents([born.user.id]))[born.user.id]
            assert await ports.history.entry(born.user.id, document.version) is not None
            assert len(await all_messages(ports)) >= document.version

    await asyncio.gather(write(), watch(), watch())
