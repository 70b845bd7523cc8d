"""Read the audit trail."""

from attrs import frozen

from usercore.audit.entry import ChainedEntry
from usercore.audit.ports import AuditReader
from usercore.audit.query import AuditQuery, check_limit
from usercore.kernel.paging import Page


@frozen
class ReadAudit:
    """Reads who did what, newest first."""

    reader: AuditReader

    async def __call__(self, query: AuditQuery) -> Page[ChainedEntry]:
        """Return one page; short as it may be, only one without a next cursor is the last.

        Raises:
            AuditQueryInvalidError: the limit is out of range.
            UnavailableError: the database does not answer.
        """
        check_limit(query.limit)
        return await self.reader.page(query)
