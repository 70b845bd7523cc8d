"""Whether the tables are far enough for this program: no copy gets requests before they are."""

import asyncio
from typing import Final

from attrs import define

from usercore.adapters.sql.engine import Reads
from usercore.adapters.sql.versions import VERSION_TABLE, Chain, Phase
from usercore.kernel.errors import UnavailableError

_CURRENT: Final = f"SELECT version_num FROM {VERSION_TABLE}".encode()  # noqa: S608 -- made of constants


@define(eq=False)
class SchemaCheck:
    """Looks at the version of the tables, until it is one that will do: from then on it will.

    Args:
        database: has the tables.
    """

    database: Reads
    _enough: bool = False

    async def passed(self) -> None:
        """Return if the tables are far enough. Those of a later program are.

        Raises:
            UnavailableError: they are not, or the database does not answer.
            ExhaustedError: no connection became free in time.
        """
        if self._enough:
            return
        rows = await self.database.fetch(_CURRENT)
        current = rows[0][0] if rows else None
        self._enough = current is not None and await asyncio.to_thread(_is_enough, current)
        if not self._enough:
            raise UnavailableError("the tables are not up to date: userctl db upgrade")


def _is_enough(current: str) -> bool:
    """Return whether nothing is missing but what would take something away from older copies."""
    chain = Chain.read()
    known = any(one.revision == current for one in chain.versions)
    return not known or all(one.phase is Phase.CONTRACT for one in chain.after(current))
