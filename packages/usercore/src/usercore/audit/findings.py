"""What is wrong with an audit trail, where something is."""

from enum import StrEnum

from attrs import field, frozen

from usercore.kernel.ids import UserId


class FindingKind(StrEnum):
    """What was found."""

    ENTRY_EDITED = "entry_edited"
    ENTRY_MISSING = "entry_missing"
    CHAIN_TRUNCATED = "chain_truncated"
    CHAIN_MISSING = "chain_missing"
    CHAIN_ORPHANED = "chain_orphaned"
    HEAD_MISSING = "head_missing"
    HEAD_DIFFERS = "head_differs"
    CHANGE_UNRECORDED = "change_unrecorded"
    CONTENTS_DIFFER = "contents_differ"
    CONTENTS_MISSING = "contents_missing"
    CHAIN_REWRITTEN = "chain_rewritten"
    LEAF_MISSING = "leaf_missing"
    ROOT_DIFFERS = "root_differs"
    CHECKPOINT_UNREADABLE = "checkpoint_unreadable"
    CHECKPOINT_FORGED = "checkpoint_forged"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    CHECKPOINT_UNPUBLISHED = "checkpoint_unpublished"


@frozen
class Finding:
    """One thing that is wrong.

    Args:
        kind: what.
        detail: more of it, for people; nothing personal.
        user_id: whose chain, where it is one's.
        sequence: the place in that chain, or the number of the checkpoint.
    """

    kind: FindingKind
    detail: str
    user_id: UserId | None = None
    sequence: int | None = None


@frozen
class AuditReport:
    """What a verification saw.

    Args:
        entries: looked at.
        chains: looked at.
        leaves: of the tree over the heads.
        checkpoints: whose signature, place and root were checked.
        unattested: entries that came after the last checkpoint: rewritten as a whole, they would not be noticed.
        findings: what is wrong, as many as were asked for.
        further: how many findings there are beyond those.
    """

    entries: int
    chains: int
    leaves: int
    checkpoints: int
    unattested: int
    findings: tuple[Finding, ...] = field(factory=tuple)
    further: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings and not self.further
