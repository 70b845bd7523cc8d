"""What can go wrong with the audit trail."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import ConflictError, InvalidError


@define(auto_exc=True, eq=False)
class AuditQueryInvalidError(InvalidError):
    """A condition on the audit trail cannot be used."""

    code: ClassVar[str] = "audit_query_invalid"
    summary: ClassVar[str] = "The audit trail cannot be searched in this way"


@define(auto_exc=True, eq=False)
class AuditKeyUnusableError(InvalidError):
    """A key that signs or checks checkpoints cannot be used."""

    code: ClassVar[str] = "audit_key_unusable"
    summary: ClassVar[str] = "A key for checkpoints of the audit trail is missing or cannot be used"


@define(auto_exc=True, eq=False)
class AuditTamperedError(ConflictError):
    """The audit trail is not what it was."""

    code: ClassVar[str] = "audit_tampered"
    summary: ClassVar[str] = "The audit trail does not verify"


@define(auto_exc=True, eq=False)
class CheckpointUnreadableError(InvalidError):
    """What is kept of checkpoints cannot be read."""

    code: ClassVar[str] = "checkpoint_unreadable"
    summary: ClassVar[str] = "Checkpoints of the audit trail cannot be read"


@define(auto_exc=True, eq=False)
class CheckpointForkedError(ConflictError):
    """What was published before does not lead to this checkpoint."""

    code: ClassVar[str] = "checkpoint_forked"
    summary: ClassVar[str] = "Another checkpoint of this number was published before: the database is an older one"
