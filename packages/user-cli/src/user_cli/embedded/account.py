"""Which account the servers run as, and where that account can reach their programs and files.

PostgreSQL refuses to run as root. Then the servers run as ``nobody``, who has to reach every file by way of folders
that it may enter. Permissions of folders that are not ours are never changed: what ``nobody`` cannot reach is copied
(programs) or placed elsewhere (data).
"""

import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from user_cli.embedded.errors import EmbeddedServerError

__all__ = ["ROOT_DATA", "Account", "server_account"]

ROOT_DATA = Path("/var/lib/user-service")
"""Where data goes when root names a folder that the servers' account cannot enter."""


@frozen
class Account:
    """The account that the servers run as.

    Args:
        uid: its number, or None for our own.
        gid: its group's number, or None for our own.
        elsewhere: holds the data whose own folder the account cannot enter.
    """

    uid: int | None = None
    gid: int | None = None
    elsewhere: Path = ROOT_DATA

    def may_enter(self, folder: Path) -> bool:
        """Say whether the account can reach what lies in `folder`: this one and all above it are open to it."""
        if self.uid is None:
            return True
        resolved = folder.resolve()
        return all(self._may_search(step) for step in (resolved, *resolved.parents))

    def own(self, path: Path, mode: int) -> None:
        """Give one of our own files or folders to the account, with `mode`."""
        path.chmod(mode)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reachable_folder(self, wanted: Path) -> Path:
        """Make the servers' folder, and give back where it is.

        Returns:
            `wanted`, or for an account that cannot enter it a folder of its own below `elsewhere`.

        Raises:
            EmbeddedServerError: when the folder cannot be made or written.
        """
        folder = wanted.expanduser().absolute()
        standing = next(step for step in (folder, *folder.parents) if step.exists())
        if standing.is_dir() and not self.may_enter(standing):
            folder = self.elsewhere / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        try:
            _make_open(folder)
            probe = folder / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise EmbeddedServerError(
                f"the data folder {folder} cannot be written ({reason}): choose another one, or make it writable"
            ) from error
        return folder

    def reachable_programs(self, base: Path, trees: Sequence[str], folder: Path) -> Path:
        """Give back a folder that holds `trees` as `base` does and that the account can enter.

        Args:
            base: the folder that the programs were installed in.
            trees: what is needed of it, as relative paths, which are kept: programs find their libraries by them.
            folder: the servers' folder, to copy into when the account cannot reach the trees where they are.
        """
        if all(self.may_enter(base / tree) for tree in trees):
            return base
        copies = folder / "programs" / _fingerprint(base, trees)
        if not copies.exists():
            unfinished = copies.with_name(f"{copies.name}.{os.getpid()}")
            _make_open(unfinished)
            for tree in trees:
                shutil.copytree(base / tree, unfinished / tree, symlinks=True)
            _open_all(unfinished)
            unfinished.rename(copies)
        return copies

    def _may_search(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """Choose the account: our own, or ``nobody`` for root.

    Raises:
        EmbeddedServerError: for root on a system without ``nobody``.
    """
    if os.geteuid() != 0:
        return Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedServerError(
            "PostgreSQL does not run as root and there is no account `nobody`: start this as another user"
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid)


def _make_open(folder: Path) -> None:
    """Make the folder and what is missing above it so that others may pass through, whatever the umask."""
    if folder.exists():
        return
    _make_open(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


def _open_all(tree: Path) -> None:
    for path in tree.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)


def _fingerprint(base: Path, trees: Sequence[str]) -> str:
    files = sorted(path for tree in trees for path in (base / tree).rglob("*") if path.is_file())
    facts = [f"{path.relative_to(base)}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
