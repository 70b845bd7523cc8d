"""Checkpoints as JSON: one form for the topic, the AuditService and the file."""

from typing import Any

from usercore.audit.checkpoint import SignedCheckpoint
from usercore.codec.scalars import timestamp


def checkpoint_object(signed: SignedCheckpoint) -> dict[str, Any]:
    """Return a checkpoint as a JSON object. The note alone is signed; the rest spares reading it."""
    checkpoint = signed.checkpoint
    return {
        "number": checkpoint.number,
        "at": timestamp(checkpoint.at),
        "size": checkpoint.size,
        "entries": checkpoint.entries,
        "root": checkpoint.root.hex(),
        "note": str(signed.note),
    }
