"""Messages that have had their effect, and answers to those that were refused."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, fetch
from usercore.codec.rejections import rejection_message
from usercore.delivery.ports import OutboxMessage
from usercore.delivery.sharding import shard_of
from usercore.kernel.inbox import Inbox, MessageId, Receipt
from usercore.messaging.ports import Rejections
from usercore.messaging.values import RejectedCommand

_PURGED_AT_ONCE: Final = 1000

_KNOWN: Final = b"""
SELECT i.topic, i.source, i.message_id, i.fingerprint
FROM unnest($1::text[], $2::text[], $3::text[]) AS asked(topic, source, message_id)
JOIN inbox AS i ON i.topic = asked.topic AND i.source = asked.source AND i.message_id = asked.message_id
"""
_RECEIVED: Final = """
received AS (
    INSERT INTO inbox (topic, source, message_id, fingerprint, received_at)
    SELECT r.topic, r.source, r.message_id, decode(r.fingerprint, 'hex'), r.at
    FROM json_to_recordset($1::json) AS r(
        topic text, source text, message_id text, fingerprint text, at timestamptz
    )
    ORDER BY r.topic, r.source, r.message_id
    ON CONFLICT DO NOTHING RETURNING topic, source, message_id
)"""
_RECORD: Final = f"WITH {_RECEIVED} SELECT 1 FROM received".encode()  # noqa: S608 -- made of constants
_REJECT: Final = f"""
WITH {_RECEIVED}, to_outbox AS (
    INSERT INTO outbox (aggregatetype, aggregateid, type, payload, event_id, sequence, occurred_at, headers, shard,
                        topic)
    SELECT 'command', o.aggregateid, o.type, o.payload::json, o.event_id, o.sequence, o.occurred_at, o.headers, o.shard,
           o.to_topic
    FROM received JOIN json_to_recordset($2::json) AS o(
        topic text, source text, message_id text, aggregateid uuid, type text, payload text, event_id uuid,
        sequence bigint, occurred_at timestamptz, headers json, shard smallint, to_topic text
    ) USING (topic, source, message_id)
)
SELECT 1 FROM received
""".encode()  # noqa: S608 -- made of constants
_PURGE: Final = b"""
DELETE FROM inbox WHERE (topic, source, message_id) IN (
    SELECT topic, source, message_id FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2
    FOR UPDATE SKIP LOCKED
) RETURNING 1
"""


@frozen
class SqlInbox:
    """Remembers messages."""

    database: Database

    async def known(self, messages: Sequence[MessageId]) -> Mapping[MessageId, Receipt]:
        """Return the receipts of those messages that have had their effect."""
        if not messages:
            return {}
        columns = ([one.topic for one in messages], [one.source for one in messages], [one.id for one in messages])
        rows = await self.database.fetch(_KNOWN, *columns)
        receipts = (Receipt(MessageId(*name), bytes(fingerprint)) for *name, fingerprint in rows)
        return {receipt.message: receipt for receipt in receipts}

    async def record(self, receipts: Sequence[Receipt], *, at: datetime) -> None:
        """Remember messages that turned out to change nothing."""
        rows = _receipts((receipt, at) for receipt in receipts)
        await self.database.write(lambda opened: fetch(opened, _RECORD, rows))

    async def purge(self, before: datetime) -> int:
        """Forget receipts older than `before`, and return how many went."""
        gone = 0
        while True:
            rows = await self.database.write(lambda opened: fetch(opened, _PURGE, before, _PURGED_AT_ONCE))
            gone += len(rows)
            if len(rows) < _PURGED_AT_ONCE:
                return gone


@frozen
class SqlRejections:
    """Answers commands that were refused."""

    database: Database

    async def reject(self, commands: Sequence[RejectedCommand]) -> None:
        """Write for each its receipt and its answer, in one transaction."""
        receipts = _receipts((command.receipt, command.at) for command in commands)
        answers = json.dumps([_answer(command) for command in commands], ensure_ascii=False)
        await self.database.write(lambda opened: fetch(opened, _REJECT, receipts, answers))


def _receipts(receipts: Iterable[tuple[Receipt, datetime]]) -> str:
    return json.dumps(
        [
            _named(receipt.message) | {"fingerprint": receipt.fingerprint.hex(), "at": at.isoformat()}
            for receipt, at in receipts
        ],
        ensure_ascii=False,
    )


def _named(message: MessageId) -> dict[str, Any]:
    return {"topic": message.topic, "source": message.source, "message_id": message.id}


def _answer(command: RejectedCommand) -> dict[str, Any]:
    message: OutboxMessage = rejection_message(command, position=0)
    return _named(command.receipt.message) | {
        "aggregateid": message.user_id,
        "type": message.message,
        "payload": message.payload.decode(),
        "event_id": message.event_id,
        "sequence": message.sequence,
        "occurred_at": message.occurred_at.isoformat(),
        "headers": message.headers,
        "shard": shard_of(message.user_id),
        "to_topic": message.topic,
    }


if TYPE_CHECKING:

    def _conform(database: Database) -> tuple[Inbox, Rejections]:
        return SqlInbox(database), SqlRejections(database)
