"""What every table is made of."""

from typing import Final

from sqlalchemy import DateTime, MetaData, Text, Uuid

metadata: Final = MetaData()

C_TEXT: Final = Text(collation="C")
"""Text that is compared byte by byte, so that no upgrade of a collation can spoil its index."""
TIME: Final = DateTime(timezone=True)
ID: Final = Uuid(as_uuid=False)
