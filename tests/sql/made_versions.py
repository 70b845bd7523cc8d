"""Versions of a schema made up for a test."""

from pathlib import Path

_HEAD = """
from alembic import op
from usercore.adapters.sql import online
revision, down_revision, branch_labels, depends_on = {revision!r}, {below!r}, None, None
phase = {phase!r}
transactional = {transactional!r}
"""


class Versions:
    """A folder of versions, each written in a line or two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, up: str, *, down: str = "pass", phase: str = "expand", transactional: bool = True) -> None:
        number = len(list(self.folder.glob("*.py"))) + 1
        below = f"{number - 1:04}" if number > 1 else None
        head = _HEAD.format(revision=f"{number:04}", below=below, phase=phase, transactional=transactional)
        functions = f"def upgrade():\n    {up}\ndef downgrade():\n    {down}\n"
        (self.folder / f"{number:04}_made.py").write_text(f'"""Number {number}."""\n{head}\n{functions}', "utf-8")
