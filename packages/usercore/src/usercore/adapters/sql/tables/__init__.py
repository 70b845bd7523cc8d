"""Every table, with every constraint and index named. The migrations make them; a test holds both equal."""

from usercore.adapters.sql.tables.activity import activity_facts
from usercore.adapters.sql.tables.audit import (
    audit_checkpoint_turns,
    audit_checkpoints,
    audit_leaves,
    audit_listed,
)
from usercore.adapters.sql.tables.base import metadata
from usercore.adapters.sql.tables.consents import consent_purposes, consents, suppressions
from usercore.adapters.sql.tables.imports import import_errors, import_parts, imports
from usercore.adapters.sql.tables.keys import service_keys, user_keys
from usercore.adapters.sql.tables.merging import merge_candidates, merge_scans, user_merges
from usercore.adapters.sql.tables.preferences import email_preferences, email_topics
from usercore.adapters.sql.tables.privacy import legal_holds, privacy_archives, privacy_requests
from usercore.adapters.sql.tables.receipts import idempotency_keys, inbox
from usercore.adapters.sql.tables.retention import inactivity_notices, retention_runs
from usercore.adapters.sql.tables.segments import segments
from usercore.adapters.sql.tables.setaside import dead_letters, parked_messages
from usercore.adapters.sql.tables.trails import audit_entries, audit_heads, deliveries, outbox, outbox_shards
from usercore.adapters.sql.tables.users import attribute_schemas, user_history, users
from usercore.adapters.sql.tables.verifications import verifications

__all__ = [
    "activity_facts",
    "attribute_schemas",
    "audit_checkpoint_turns",
    "audit_checkpoints",
    "audit_entries",
    "audit_heads",
    "audit_leaves",
    "audit_listed",
    "consent_purposes",
    "consents",
    "dead_letters",
    "deliveries",
    "email_preferences",
    "email_topics",
    "idempotency_keys",
    "import_errors",
    "import_parts",
    "imports",
    "inactivity_notices",
    "inbox",
    "legal_holds",
    "merge_candidates",
    "merge_scans",
    "metadata",
    "outbox",
    "outbox_shards",
    "parked_messages",
    "privacy_archives",
    "privacy_requests",
    "retention_runs",
    "segments",
    "service_keys",
    "suppressions",
    "user_history",
    "user_keys",
    "user_merges",
    "users",
    "verifications",
]
