"""Ways to tamper with an audit trail, as one who owns the database and knows how hashes are made.

Each takes what it needs by chance, changes something in any case, and says what it did.
"""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final, TypeAlias, cast

import psycopg
from attrs import define, evolve, frozen

from tests.builders import IDS
from usercore.adapters.crypto.signing import Ed25519Signer
from usercore.adapters.sql import Database
from usercore.adapters.sql.archive import SqlAuditArchive
from usercore.adapters.sql.engine import Row, fetch
from usercore.audit.chain import GENESIS, digest_of, link
from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry
from usercore.audit.evidence import Evidence
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId

TABLES: Final = (
    "audit_entries",
    "audit_heads",
    "audit_leaves",
    "audit_checkpoints",
    "audit_listed",
)
"""Where triggers keep everybody from changing anything."""


@frozen
class OneConnection:
    """Reads over one connection, so that what is verified is what its open transaction sees."""

    connection: psycopg.AsyncConnection[Row]

    async def fetch(self, statement: bytes, *parameters: object, prepare: bool | None = None) -> list[Row]:
        return await fetch(self.connection, statement, *parameters, prepare=prepare)


def database_over(connection: psycopg.AsyncConnection[Row]) -> Database:
    """Give what the readers take for a database."""
    return cast("Database", OneConnection(connection))


@define
class Crime:
    """The scene: an open transaction, and the lines of the published file."""

    connection: psycopg.AsyncConnection[Row]
    random: Random
    lines: list[str]

    async def do(self, statement: str, *parameters: object) -> int:
        """Run a statement, and give how many rows it concerned."""
        cursor = await self.connection.execute(statement.encode(), parameters)
        return cursor.rowcount

    async def rows(self, statement: str, *parameters: object) -> list[Row]:
        return await (await self.connection.execute(statement.encode(), parameters)).fetchall()

    async def chain(self, *, people_only: bool = False) -> list[Evidence]:
        """Give a chain of some length."""
        chains: dict[UserId, list[Evidence]] = {}
        async for one in SqlAuditArchive(database_over(self.connection)).entries(None):
            chains.setdefault(one.user_id, []).append(one)
        if people_only:
            chains.pop(SERVICE_CHAIN, None)
        return self.random.choice([chain for chain in chains.values() if len(chain) > 2])

    async def entry(self) -> tuple[UserId, int]:
        """Give the place of any entry."""
        rows = await self.rows("SELECT user_id::text, sequence FROM audit_entries ORDER BY user_id, sequence")
        return cast("tuple[UserId, int]", self.random.choice(rows))

    async def user(self) -> UserId:
        rows = await self.rows("SELECT id::text FROM users ORDER BY id")
        return UserId(self.random.choice(rows)[0])

    async def rewrite(self, chain: Sequence[Evidence], entries: Sequence[AuditEntry]) -> None:
        """Put other entries in a chain's place, with hashes that fit, and a head that fits."""
        owner = chain[0].user_id
        await self.do("DELETE FROM audit_entries WHERE user_id = %s", owner)
        previous = GENESIS
        for sequence, entry in enumerate(entries, start=1):
            previous = link(previous, sequence, digest_of(entry))
            await self.insert(owner, sequence, entry, previous)
        await self.do(
            "UPDATE audit_heads SET sequence = %s, hash = %s WHERE user_id = %s", len(entries), previous, owner
        )

    async def insert(self, owner: UserId, sequence: int, entry: AuditEntry, digest: bytes) -> None:
        await self.do(
            "INSERT INTO audit_entries (user_id, sequence, event_id, occurred_at, actor_kind, actor_id, action, fields,"
            " correlation_id, causation_id, version, contents_hash, hash)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            owner,
            sequence,
            entry.event_id,
            entry.at,
            entry.actor.kind,
            entry.actor.id,
            entry.action,
            list(entry.fields),
            entry.correlation_id,
            entry.causation_id,
            entry.version,
            entry.contents_hash,
            digest,
        )


Tampering: TypeAlias = Callable[[Crime], Awaitable[None]]

_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "event_id": ("gen_random_uuid()",),
    "occurred_at": (
        "occurred_at + interval '1 microsecond'",
        "occurred_at - interval '1 day'",
        "'infinity'",
        "'0044-03-15 BC'",
    ),
    "actor_kind": ("'NOBODY'", "CASE actor_kind WHEN 'SYSTEM' THEN 'USER' ELSE 'SYSTEM' END"),
    "actor_id": ("actor_id || 'x'", "''"),
    "action": ("action || ' '", "lower(action)"),
    "fields": ("array_append(fields, 'x')", "ARRAY[]::text[] || ARRAY['y']", "array_append(fields, NULL)"),
    "correlation_id": ("correlation_id || '0'",),
    "causation_id": ("COALESCE(causation_id, '') || 'y'",),
    "version": ("COALESCE(version, 0) + 1", "CASE WHEN version IS NULL THEN 1 END"),
    "contents_hash": ("sha256(contents_hash)", "contents_hash || '\\x00'::bytea"),
    "hash": ("sha256(hash)", "''::bytea", "hash || '\\x00'::bytea"),
    "sequence": ("sequence + 1000", "-sequence", "sequence + 9000000000"),
}


async def edit_a_column(crime: Crime) -> None:
    column = crime.random.choice(list(_COLUMNS))
    value = crime.random.choice(_COLUMNS[column])
    place = await crime.entry()
    assert await crime.do(
        f"UPDATE audit_entries SET {column} = {value}"
        f" WHERE user_id = %s AND sequence = %s AND {column} IS DISTINCT FROM {value}",
        *place,
    ) or await crime.do("UPDATE audit_entries SET actor_id = 'other' WHERE user_id = %s AND sequence = %s", *place)


async def delete_an_entry(crime: Crime) -> None:
    assert await crime.do("DELETE FROM audit_entries WHERE user_id = %s AND sequence = %s", *await crime.entry())


async def swap_two_entries(crime: Crime) -> None:
    chain = await crime.chain()
    one, other = crime.random.sample(chain, 2)
    owner, move = one.user_id, "UPDATE audit_entries SET sequence = %s WHERE user_id = %s AND sequence = %s"
    await crime.do(move, -1, owner, one.sequence)
    await crime.do(move, one.sequence, owner, other.sequence)
    await crime.do(move, other.sequence, owner, -1)


async def move_an_entry_to_another_chain(crime: Crime) -> None:
    chain = await crime.chain()
    one = crime.random.choice(chain)
    target = await crime.user()
    if target == one.user_id:
        target = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")
    await crime.do(
        "UPDATE audit_entries SET user_id = %s, sequence = 1 + (SELECT COALESCE(max(sequence), 0) FROM audit_entries"
        " WHERE user_id = %s) WHERE user_id = %s AND sequence = %s",
        target,
        target,
        one.user_id,
        one.sequence,
    )


async def swap_two_chains(crime: Crime) -> None:
    rows = await crime.rows("SELECT id::text FROM users ORDER BY id")
    (one,), (other,) = crime.random.sample(rows, 2)
    spare = IDS.user_id()
    for table in ("audit_entries", "audit_heads"):
        for new, old in ((spare, one), (one, other), (other, spare)):
            await crime.do(f"UPDATE {table} SET user_id = %s WHERE user_id = %s", new, old)


async def cut_the_tail(crime: Crime) -> None:
    chain = await crime.chain()
    left = crime.random.randrange(1, len(chain))
    await crime.do("DELETE FROM audit_entries WHERE user_id = %s AND sequence > %s", chain[0].user_id, left)


async def cut_the_tail_and_mend_the_head(crime: Crime) -> None:
    chain = await crime.chain()
    left = crime.random.randrange(1, len(chain))
    await crime.rewrite(chain, [cast("AuditEntry", one.entry) for one in chain[:left]])


async def cut_the_tail_with_all_that_tells_of_it(crime: Crime) -> None:
    chain = await crime.chain()
    owner, left = chain[0].user_id, crime.random.randrange(1, len(chain))
    kept = [cast("AuditEntry", one.entry) for one in chain[:left]]
    await crime.rewrite(chain, kept)
    version = max((entry.version or 0) for entry in kept)
    await crime.do("DELETE FROM user_history WHERE user_id = %s AND version > %s", owner, version)
    await crime.do("UPDATE users SET version = %s WHERE id = %s", version, owner)
    if crime.random.random() < 0.5:
        await crime.do("DELETE FROM audit_leaves WHERE user_id = %s AND sequence > %s", owner, left)


async def rewrite_a_chain(crime: Crime) -> None:
    chain = await crime.chain()
    entries = [cast("AuditEntry", one.entry) for one in chain]
    index = crime.random.randrange(len(entries))
    entries[index] = evolve(entries[index], actor=Actor(ActorKind.SERVICE, "somebody-else"))
    await crime.rewrite(chain, entries)


async def rewrite_a_chain_and_its_leaves(crime: Crime) -> None:
    await rewrite_a_chain(crime)
    await crime.do(
        "UPDATE audit_leaves AS l SET hash = e.hash FROM audit_entries AS e"
        " WHERE e.user_id = l.user_id AND e.sequence = l.sequence"
    )


async def rewrite_all_and_sign_with_another_key(crime: Crime) -> None:
    await rewrite_a_chain_and_its_leaves(crime)
    signer = Ed25519Signer.generate("tests")
    for number, genuine in await crime.rows("SELECT number, note FROM audit_checkpoints ORDER BY number"):
        signed = SignedCheckpoint.parse(genuine)
        forged = evolve(signed.checkpoint, root=bytes([crime.random.randrange(256)]) * 32)
        note = str(await signer.sign(forged.text))
        await crime.do("UPDATE audit_checkpoints SET note = %s WHERE number = %s", note, number)


async def put_in_a_forged_entry(crime: Crime) -> None:
    chain = await crime.chain()
    entries = [cast("AuditEntry", one.entry) for one in chain]
    index = crime.random.randrange(len(entries))
    forged = evolve(entries[index], event_id=IDS.event_id(), version=None, contents_hash=b"", action="UserRead")
    await crime.rewrite(chain, [*entries[:index], forged, *entries[index:]])


async def put_a_forged_entry_behind_the_head(crime: Crime) -> None:
    last = (await crime.chain())[-1]
    entry = cast("AuditEntry", last.entry)
    digest = link(last.hash, last.sequence + 1, digest_of(entry))
    await crime.insert(last.user_id, last.sequence + 1, entry, digest)


async def put_in_a_forged_change(crime: Crime) -> None:
    chain = await crime.chain(people_only=True)
    entries = [cast("AuditEntry", one.entry) for one in chain]
    forged = evolve(entries[-1], event_id=IDS.event_id(), version=max(e.version or 0 for e in entries) + 1)
    await crime.rewrite(chain, [*entries, forged])


async def take_a_chain_away(crime: Crime) -> None:
    user_id = await crime.user()
    await crime.do("DELETE FROM audit_entries WHERE user_id = %s", user_id)
    if crime.random.random() < 0.7:
        await crime.do("DELETE FROM audit_heads WHERE user_id = %s", user_id)
    if crime.random.random() < 0.5:
        await crime.do("DELETE FROM user_history WHERE user_id = %s", user_id)
        await crime.do("DELETE FROM users WHERE id = %s", user_id)
    if crime.random.random() < 0.5:
        await crime.do("DELETE FROM audit_leaves WHERE user_id = %s", user_id)


async def take_a_user_away(crime: Crime) -> None:
    await crime.do("DELETE FROM users WHERE id = %s", await crime.user())


async def change_a_head(crime: Crime) -> None:
    change = crime.random.choice(
        (
            "UPDATE audit_heads SET hash = sha256(hash) WHERE user_id = %s",
            "UPDATE audit_heads SET sequence = sequence + 1 WHERE user_id = %s",
            "UPDATE audit_heads SET sequence = sequence - 1 WHERE user_id = %s",
            "DELETE FROM audit_heads WHERE user_id = %s",
            "UPDATE audit_heads SET user_id = gen_random_uuid() WHERE user_id = %s",
        )
    )
    assert await crime.do(change, await crime.user())


async def replace_sealed_contents(crime: Crime) -> None:
    rows = await crime.rows("SELECT user_id::text, version FROM user_history ORDER BY user_id, version")
    place = crime.random.choice(rows)
    change = crime.random.choice(
        (
            "UPDATE user_history SET sealed = sha256(sealed) WHERE user_id = %s AND version = %s",
            "UPDATE user_history SET sealed = sealed || '\\x00'::bytea WHERE user_id = %s AND version = %s",
            "UPDATE user_history SET sealed = NULL WHERE user_id = %s AND version = %s",
            "UPDATE user_history SET version = version + 100 WHERE user_id = %s AND version = %s",
            "DELETE FROM user_history WHERE user_id = %s AND version = %s",
        )
    )
    assert await crime.do(change, *place)


async def change_what_a_list_showed(crime: Crime) -> None:
    change = crime.random.choice(
        (
            "DELETE FROM audit_listed WHERE (event_id, user_id) = (SELECT event_id, user_id FROM audit_listed LIMIT 1)",
            (
                "UPDATE audit_listed SET user_id = gen_random_uuid()"
                " WHERE (event_id, user_id) = (SELECT event_id, user_id FROM audit_listed LIMIT 1)"
            ),
            (
                "INSERT INTO audit_listed SELECT event_id, gen_random_uuid() FROM audit_entries"
                f" WHERE user_id = '{SERVICE_CHAIN}' AND action = 'UsersListed' LIMIT 1"
            ),
        )
    )
    assert await crime.do(change)


async def change_a_leaf(crime: Crime) -> None:
    [(size,)] = await crime.rows("SELECT count(*) FROM audit_leaves")
    position = crime.random.randrange(size)
    change = crime.random.choice(
        (
            "UPDATE audit_leaves SET hash = sha256(hash) WHERE position = %s",
            "UPDATE audit_leaves SET sequence = sequence + 100 WHERE position = %s",
            "UPDATE audit_leaves SET user_id = gen_random_uuid() WHERE position = %s",
            "UPDATE audit_leaves SET position = position + 1000 WHERE position = %s",
            "DELETE FROM audit_leaves WHERE position = %s",
            "DELETE FROM audit_leaves WHERE position >= %s",
            (
                "INSERT INTO audit_leaves SELECT (SELECT count(*) FROM audit_leaves), user_id, sequence + 100, hash"
                " FROM audit_leaves WHERE position = %s"
            ),
        )
    )
    assert await crime.do(change, position)


async def change_a_checkpoint(crime: Crime) -> None:
    [(count,)] = await crime.rows("SELECT count(*) FROM audit_checkpoints")
    number = crime.random.randrange(count) + 1
    change = crime.random.choice(
        (
            "DELETE FROM audit_checkpoints WHERE number = %s",
            "DELETE FROM audit_checkpoints WHERE number >= %s",
            "UPDATE audit_checkpoints SET note = replace(note, 'entries ', 'entries 1') WHERE number = %s",
            "UPDATE audit_checkpoints SET note = '' WHERE number = %s",
            "UPDATE audit_checkpoints SET note = note || ' ' WHERE number = %s",
            "UPDATE audit_checkpoints SET number = -1 WHERE number = %s",
        )
    )
    assert await crime.do(change, number)


async def take_the_database_back(crime: Crime) -> None:
    """Make everything as it was at an earlier checkpoint, with heads, leaves and history that fit."""
    [(count,)] = await crime.rows("SELECT count(*) FROM audit_checkpoints")
    number = crime.random.randrange(1, count)
    [(note,)] = await crime.rows("SELECT note FROM audit_checkpoints WHERE number = %s", number)
    await crime.do("DELETE FROM audit_checkpoints WHERE number > %s", number)
    await crime.do("DELETE FROM audit_leaves WHERE position >= %s", SignedCheckpoint.parse(note).checkpoint.size)
    await crime.do(
        "DELETE FROM audit_entries AS e WHERE sequence > COALESCE("
        "(SELECT max(sequence) FROM audit_leaves AS l WHERE l.user_id = e.user_id), 0)"
    )
    await crime.do(
        "UPDATE audit_heads AS h SET sequence = e.sequence, hash = e.hash FROM audit_entries AS e"
        " WHERE e.user_id = h.user_id AND NOT EXISTS (SELECT FROM audit_entries AS f"
        " WHERE f.user_id = e.user_id AND f.sequence > e.sequence)"
    )
    await crime.do("DELETE FROM audit_heads WHERE user_id NOT IN (SELECT user_id FROM audit_entries)")
    await crime.do(
        "DELETE FROM user_history AS s WHERE NOT EXISTS (SELECT FROM audit_entries AS e"
        " WHERE e.user_id = s.user_id AND e.version = s.version)"
    )
    await crime.do("DELETE FROM users WHERE id NOT IN (SELECT user_id FROM audit_entries)")
    await crime.do(
        "UPDATE users AS u SET version = (SELECT max(version) FROM audit_entries AS e WHERE e.user_id = u.id)"
    )


async def take_a_checkpoint_away_everywhere(crime: Crime) -> None:
    [(count,)] = await crime.rows("SELECT count(*) FROM audit_checkpoints")
    number = crime.random.randrange(1, count)
    await crime.do("DELETE FROM audit_checkpoints WHERE number = %s", number)
    crime.lines[:] = [note for note in crime.lines if SignedCheckpoint.parse(note).checkpoint.number != number]


async def change_the_file(crime: Crime) -> None:
    lines = crime.lines
    index = crime.random.randrange(len(lines))
    match crime.random.randrange(7):
        case 0:
            del lines[index]
        case 1:
            del lines[index:]
        case 2:
            lines.insert(index, lines[index])
        case 3:
            one, other = crime.random.sample(range(len(lines)), 2)
            lines[one], lines[other] = lines[other], lines[one] + " "
        case 4:
            lines[index] = _bent(lines[index], crime.random)
        case 5:
            lines[index] = "{}"
        case _:
            lines[index] = lines[index].replace("time 2", "time 1")


def _bent(note: str, random: Random) -> str:
    """Give a note with one bit of its signature or its text turned."""
    raw = bytearray(note.encode())
    place = random.randrange(len(raw))
    raw[place] ^= 1
    return raw.decode("utf-8", "replace")


TAMPERINGS: Final[tuple[Tampering, ...]] = (
    edit_a_column,
    delete_an_entry,
    swap_two_entries,
    move_an_entry_to_another_chain,
    swap_two_chains,
    cut_the_tail,
    cut_the_tail_and_mend_the_head,
    cut_the_tail_with_all_that_tells_of_it,
    rewrite_a_chain,
    rewrite_a_chain_and_its_leaves,
    rewrite_all_and_sign_with_another_key,
    put_in_a_forged_entry,
    put_a_forged_entry_behind_the_head,
    put_in_a_forged_change,
    take_a_chain_away,
    take_a_user_away,
    change_a_head,
    replace_sealed_contents,
    change_what_a_list_showed,
    change_a_leaf,
    change_a_checkpoint,
    take_the_database_back,
    take_a_checkpoint_away_everywhere,
    change_the_file,
)
