"""The schema's versions, and what each of them declares.

A version's module says beside Alembic's names:

- ``phase``: ``"expand"`` adds what older copies do not mind, ``"data"`` moves what is stored in ways they do not mind,
  ``"contract"`` takes away what they use.
- ``transactional = False`` where it cannot be one transaction: it makes an index beside the traffic, or moves many rows
  in small steps. Such a version can be begun again wherever it was broken off: see :mod:`usercore.adapters.sql.online`.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from attrs import frozen
from sqlalchemy import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSIONS: Final = _MIGRATIONS / "versions"
VERSION_TABLE: Final = "schema_version"


class Phase(StrEnum):
    """What a version means to copies of the service that are older than it."""

    EXPAND = "expand"
    DATA = "data"
    CONTRACT = "contract"


@frozen
class SchemaVersion:
    """One version.

    Args:
        revision: its number.
        about: what it brings, in a line.
        phase: whether older copies may run beside it.
        transactional: whether it is one transaction.
    """

    revision: str
    about: str
    phase: Phase
    transactional: bool


@frozen
class Chain:
    """All versions, in order.

    Args:
        folder: where their modules are.
        versions: the oldest first.
    """

    folder: Path
    versions: Sequence[SchemaVersion]

    @classmethod
    def read(cls, folder: Path = VERSIONS) -> "Chain":
        """Read the modules of a folder."""
        scripts = ScriptDirectory.from_config(configuration(folder))
        return cls(folder, tuple(_version(script) for script in reversed(list(scripts.walk_revisions()))))

    @property
    def newest(self) -> str:
        """The last version's number."""
        return self.versions[-1].revision if self.versions else ""

    def after(self, revision: str | None) -> Sequence[SchemaVersion]:
        """Return the versions that come behind one; all of them behind None.

        Raises:
            CommandError: there is no such version.
        """
        return self.versions[self._count(revision) :]

    def up(self, current: str | None, target: str, *, contract: bool) -> Sequence[SchemaVersion]:
        """Return the versions from where a database is up to another, or up to the first that would take things away.

        Args:
            current: None is an empty database: no older copy can be using it, so nothing stops there.
            target: a number, or ``head``.
            contract: take things away as well.

        Raises:
            CommandError: there is no such version.
        """
        last = self._count(self.newest if target == "head" else target)
        ahead = self.versions[self._count(current) : last]
        stops = [] if contract or current is None else [one for one in ahead if one.phase is Phase.CONTRACT]
        return ahead[: ahead.index(stops[0])] if stops else ahead

    def down(self, current: str | None, target: str) -> Sequence[SchemaVersion]:
        """Return the versions that have to be undone, the newest first; ``base`` undoes all.

        Raises:
            CommandError: there is no such version, or it is newer than where the database is.
        """
        low, high = (0 if target == "base" else self._count(target)), self._count(current)
        if low > high:
            raise CommandError(f"{target} is newer than {current}")
        return tuple(reversed(self.versions[low:high]))

    def before(self, revision: str) -> str:
        """Return the version below one, or ``base``."""
        place = self._count(revision) - 1
        return self.versions[place - 1].revision if place else "base"

    def _count(self, revision: str | None) -> int:
        """Return how many versions there are up to one, with it."""
        if revision is None:
            return 0
        for place, one in enumerate(self.versions, start=1):
            if one.revision == revision:
                return place
        raise CommandError(f"no version {revision}")


def configuration(folder: Path, connection: Connection | None = None) -> Config:
    """Return what Alembic needs to know to run the modules of a folder over a connection."""
    config = Config()
    config.set_main_option("script_location", _escaped(_MIGRATIONS))
    config.set_main_option("version_locations", _escaped(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _version(script: Script) -> SchemaVersion:
    module = script.module
    phase = Phase(getattr(module, "phase", Phase.EXPAND))
    return SchemaVersion(script.revision, script.doc, phase, getattr(module, "transactional", True))
