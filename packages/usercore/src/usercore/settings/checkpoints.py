"""The section of the audit trail's checkpoints."""

from pathlib import Path

from attrs import frozen

from usercore.settings.loading import setting
from usercore.settings.parsers import key_name, path, seconds


@frozen
class CheckpointSettings:
    """Checkpoints of the audit trail."""

    key_file: Path | None = setting(
        "USER_SERVICE_AUDIT_KEY_FILE",
        path,
        "The Ed25519 private key, in PEM, that signs checkpoints of the audit trail (`userctl audit keygen`). Keep it "
        "away from the database and its administrators. Without it no checkpoints are made.",
        default=None,
    )
    name: str = setting(
        "USER_SERVICE_AUDIT_NAME",
        key_name,
        "Whose audit trail it is: the name under which checkpoints are signed.",
        default="user-service",
    )
    public_keys_file: Path | None = setting(
        "USER_SERVICE_AUDIT_PUBLIC_KEYS_FILE",
        path,
        "Public keys that checkpoints are checked with, a line each, as `userctl audit keygen` writes them: those of "
        "earlier keys too. That of the private key is known without it.",
        default=None,
    )
    checkpoint_file: Path | None = setting(
        "USER_SERVICE_AUDIT_CHECKPOINT_FILE",
        path,
        "Where checkpoints are appended, a JSON line each; on storage that the database's administrators cannot write "
        "to. The topic `user-service.audit-checkpoints` and the AuditService get them in any case.",
        default=None,
    )
    checkpoint_interval_s: float = setting(
        "USER_SERVICE_AUDIT_CHECKPOINT_INTERVAL_S",
        seconds(1, 86_400),
        "How often a checkpoint is made. What happened since the last one is protected by the chains alone.",
        default=600.0,
    )
