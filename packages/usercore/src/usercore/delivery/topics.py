"""The topics of the event catalogue, without a deployment's prefix."""

from typing import Final

COMMANDS: Final = ("create-user", "update-user", "deactivate-user")
"""What others ask us to do."""

RECEIVED: Final = (
    *COMMANDS,
    "get-user",
    "get-user-email-preferences",
    "payment-failed",
    "payment-succeeded",
    "order-placed",
    "loyalty-points-earned",
)
"""Commands, queries and events from others."""

PROFILES: Final = "user-profiles"
"""The latest profile of each user: compacted, keyed by user id, a tombstone once they are erased."""

PUBLISHED: Final = (
    "user-created",
    "user-updated",
    "user-deactivated",
    "user-reactivated",
    "user-email-preferences-updated",
    "user-consent-changed",
    "user-verified",
    "user-merged",
    "user-merge-undone",
    "user-erased",
    "user-command-rejected",
    "users-imported",
)
"""Events, by the names of :func:`usercore.codec.scalars.kebab`."""

DEAD_LETTERS: Final = "user-service.dead-letter"
"""Messages that nobody could use, with their own bytes, key and headers."""

AUDIT_CHECKPOINTS: Final = "user-service.audit-checkpoints"
"""Signed checkpoints of the audit trail, out of the database's reach."""

COMPACTED: Final = frozenset({PROFILES})
"""Topics that keep the last message of each key, and no time limit."""

KEPT: Final = frozenset({AUDIT_CHECKPOINTS})
"""Topics that keep every message without a limit: what they prove may be asked for years later."""

OURS: Final = (*RECEIVED, *PUBLISHED, PROFILES, DEAD_LETTERS, AUDIT_CHECKPOINTS)
"""Every topic that the service reads or writes."""
