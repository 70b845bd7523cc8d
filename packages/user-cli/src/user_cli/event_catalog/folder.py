"""Bring a folder up to date, and leave alone in it what somebody else wrote."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from attrs import frozen

from user_cli.failures import FilesForeignError, FileUnusableError

__all__ = ["MANIFEST", "Brought", "bring_up"]

MANIFEST: Final = ".user-service.json"
"""Lists what was written, with SHA-256: what is not as it says is somebody else's."""
_NAMED_MAX: Final = 5


@frozen
class Brought:
    """What was done.

    Args:
        files: that the folder has of ours now.
        written: new or changed.
        removed: ours of an earlier time that are none any more.
    """

    files: int
    written: int
    removed: int


def bring_up(folder: Path, files: Mapping[str, bytes], *, force: bool) -> Brought:
    """Write files into a folder, and take away those that were written before and are not among them any more.

    Args:
        folder: made where it is missing.
        files: content by path, with slashes.
        force: also over files that somebody else wrote or changed.

    Raises:
        FilesForeignError: that would be so. Nothing was written.
        FileUnusableError: a file cannot be read or written.
    """
    try:
        before = _written_before(folder)
        gone = [path for path in before if path not in files and (folder / path).is_file()]
        changed = [path for path, content in files.items() if _content(folder / path) != content]
        foreign = [path for path in (*changed, *gone) if not _is_ours(folder / path, before.get(path))]
        if foreign and not force:
            raise FilesForeignError(_named(folder, foreign))
        for path in changed:
            _write(folder / path, files[path])
        for path in gone:
            _remove(folder, folder / path)
        listed = {path: sha256(content).hexdigest() for path, content in sorted(files.items())}
        _write(folder / MANIFEST, (json.dumps({"files": listed}, indent=2) + "\n").encode())
    except OSError as error:
        raise FileUnusableError(f"the folder {folder} cannot be written: {error.strerror}") from None
    return Brought(len(files), len(changed), len(gone))


def _written_before(folder: Path) -> dict[str, str]:
    """Return what was written the last time: SHA-256 by path, and nothing where that is not known."""
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {path: digest for path, digest in files.items() if isinstance(digest, str) and _is_within(path)}
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _is_within(path: str) -> bool:
    """Return whether a path that a file names stays in the folder."""
    return not Path(path).is_absolute() and ".." not in Path(path).parts


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _is_ours(path: Path, digest: str | None) -> bool:
    content = _content(path)
    return not path.exists() if content is None else sha256(content).hexdigest() == digest


def _named(folder: Path, foreign: list[str]) -> str:
    more = f" and {len(foreign) - _NAMED_MAX} more" if len(foreign) > _NAMED_MAX else ""
    names = ", ".join(sorted(foreign)[:_NAMED_MAX])
    return f"not written by this command, or changed since, in {folder}: {names}{more}; --force replaces them"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _remove(folder: Path, path: Path) -> None:
    """Remove a file, and the folders that are empty without it."""
    path.unlink()
    for parent in path.parents:
        if parent == folder:
            return
        with suppress(OSError):
            parent.rmdir()
