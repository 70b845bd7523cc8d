"""Entries of the audit trail on the wire: whole, so that whoever has them can check their hashes."""

from collections.abc import Mapping
from typing import Any

from usercore.audit.entry import SERVICE_CHAIN, AuditEntry, ChainedEntry
from usercore.audit.export_audit import ExportedEntry
from usercore.codec.scalars import actor, timestamp
from usercore.codec.times import read_time
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId


def audit_object(one: ChainedEntry) -> dict[str, Any]:
    """Return one entry as a JSON object; what concerns no single user has no user id."""
    entry = one.entry
    return {
        "userId": None if entry.user_id == SERVICE_CHAIN else entry.user_id,
        "sequence": one.sequence,
        "eventId": entry.event_id,
        "at": timestamp(entry.at),
        "actor": actor(entry.actor),
        "action": entry.action,
        "fields": list(entry.fields),
        "correlationId": entry.correlation_id,
        "causationId": entry.causation_id,
        "version": entry.version,
        "contentsHash": entry.contents_hash.hex() or None,
        "hash": one.hash.hex(),
    }


def export_object(exported: ExportedEntry) -> dict[str, Any]:
    """Return one line of an export: the entry, and the hash before it, so that each can be checked by itself."""
    return {**audit_object(exported.one), "previous": exported.previous.hex()}


def read_export(line: Mapping[str, Any]) -> ExportedEntry:
    """Read what :func:`export_object` wrote.

    Raises:
        ValueError: it is no such line.
    """
    try:
        entry = AuditEntry(
            user_id=UserId(line["userId"] or SERVICE_CHAIN),
            event_id=EventId(line["eventId"]),
            at=read_time(line["at"]),
            actor=Actor(ActorKind(line["actor"]["kind"]), line["actor"]["id"]),
            action=line["action"],
            fields=tuple(line["fields"]),
            correlation_id=line["correlationId"],
            causation_id=line["causationId"],
            version=line["version"],
            contents_hash=bytes.fromhex(line["contentsHash"] or ""),
        )
        one = ChainedEntry(entry, int(line["sequence"]), bytes.fromhex(line["hash"]))
        return ExportedEntry(one, bytes.fromhex(line["previous"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no line of an export") from error
