"""What the audit feature asks of the world outside."""

from collections.abc import Sequence
from typing import Protocol

from usercore.audit.entry import AuditEntry


class AuditTrail(Protocol):
    """Keeps entries for ever, each in its user's chain. Nothing can change one or take it away."""

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries, those of one chain in the order given: all of them or none.

        What a change brings is appended with the change itself, not here.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...
