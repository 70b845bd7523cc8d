"""The version of the program before this one, as it stands in the repository's history."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

_ROOT: Final = Path(__file__).resolve().parents[3]
_RECORD: Final = _ROOT / "tests" / "e2e" / "previous.json"


@frozen
class Previous:
    """The program that this one follows.

    Args:
        schema: the version of the tables that it was made for.
        python_path: where its packages are, as ``PYTHONPATH`` names them: before those that are installed.
    """

    schema: str
    python_path: str


def unpacked(folder: Path) -> Previous:
    """Put the packages of the recorded commit into a folder; skip the test where no history has them."""
    record = json.loads(_RECORD.read_text(encoding="utf-8"))
    try:
        archive = subprocess.run(
            ("git", "-C", str(_ROOT), "archive", record["commit"], "packages"),  # noqa: S607 -- whichever git there is
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no history with commit {record['commit']}: {error}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    path = ":".join(sorted(str(source) for source in folder.glob("packages/*/src")))
    assert _imported(path) == {str(folder)}, "the installed packages stand before those of the version before"
    return Previous(record["schema"], path)


def _imported(python_path: str) -> set[str]:
    """Return under which folders a process with this path finds our packages."""
    script = "import user_cli, user_http, usercore; print(user_cli.__file__, user_http.__file__, usercore.__file__)"
    done = subprocess.run(
        (sys.executable, "-P", "-c", script),
        env={"PYTHONPATH": python_path},
        capture_output=True,
        check=True,
        text=True,
    )
    return {file.partition("/packages/")[0] for file in done.stdout.split()}
