"""Programs from npm, each as its lock file says. They need Node.js 20 or newer with npm."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

INSTALL_TIMEOUT_S = 600
_LOCK = "package-lock.json"


def installed(project: Path, folder: Path) -> None:
    """Install what a project's lock file names into a folder, unless it is there already.

    Args:
        project: holds package.json and package-lock.json.
        folder: where it stays for the next time; made where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _is_there(project, folder):
        return
    for name in ("package.json", _LOCK):
        shutil.copy(project / name, folder)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run([program("npm"), "ci", *quiet], folder, INSTALL_TIMEOUT_S, f"{project.name} cannot be installed from npm")


def _is_there(project: Path, folder: Path) -> bool:
    """Return whether the folder holds what the lock file of today asks for."""
    lock = folder / _LOCK
    return (
        (folder / "node_modules" / ".package-lock.json").is_file()
        and lock.is_file()
        and lock.read_bytes() == (project / _LOCK).read_bytes()
    )


def program(name: str) -> str:
    """Return where a program is; a missing one ends this one."""
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is missing: Node.js 20 or newer with npm is needed")
    return found


def run(
    command: list[str], folder: Path, timeout_s: float, failed: str, environ: Mapping[str, str] | None = None
) -> None:
    """Run a program in a folder; where it fails, say so and end this one."""
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=timeout_s, env={**os.environ, **(environ or {})})
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        sys.exit(failed)
