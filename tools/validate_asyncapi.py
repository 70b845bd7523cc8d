"""Validate api-docs/asyncapi.yaml with the official AsyncAPI parser; an error or a warning fails.

Needs Node.js 20 or newer with npm. The parser is installed as its lock file says, into a folder that is given as the
argument, where it stays for the next time, or else into a temporary one.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARSER = ROOT / "tools" / "asyncapi_parser"
DOCUMENT = ROOT / "api-docs" / "asyncapi.yaml"
INSTALL_TIMEOUT_S = 300
PARSE_TIMEOUT_S = 120


def main(arguments: list[str]) -> None:
    """Validate the document."""
    if arguments:
        kept = Path(arguments[0]).resolve()
        kept.mkdir(parents=True, exist_ok=True)
        _validate(kept)
        return
    with tempfile.TemporaryDirectory(prefix="asyncapi-") as folder:
        _validate(Path(folder))


def _validate(folder: Path) -> None:
    node, npm = _program("node"), _program("npm")
    if not _installed(folder):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PARSER / name, folder)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run([npm, "ci", *quiet], folder, INSTALL_TIMEOUT_S, "the AsyncAPI parser cannot be installed from npm")
    shutil.copy(PARSER / "validate.mjs", folder)
    _run([node, "validate.mjs", str(DOCUMENT)], folder, PARSE_TIMEOUT_S, "api-docs/asyncapi.yaml is not valid")


def _installed(folder: Path) -> bool:
    """Return whether the folder holds what the lock file of today asks for."""
    lock = folder / "package-lock.json"
    return (
        (folder / "node_modules" / ".package-lock.json").is_file()
        and lock.is_file()
        and lock.read_bytes() == (PARSER / "package-lock.json").read_bytes()
    )


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(f"{name} is missing: the AsyncAPI parser needs Node.js 20 or newer with npm")
    return found


def _run(command: list[str], folder: Path, timeout_s: float, failed: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, timeout=timeout_s)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
