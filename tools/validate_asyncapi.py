"""Validate api-docs/asyncapi.yaml with the official AsyncAPI parser; an error or a warning fails.

Needs Node.js 20 or newer with npm. The parser is installed as its lock file says, into a folder that is given as the
argument, where it stays for the next time, or else into a temporary one.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tools import npm

ROOT = Path(__file__).resolve().parent.parent
PARSER = ROOT / "tools" / "asyncapi_parser"
DOCUMENT = ROOT / "api-docs" / "asyncapi.yaml"
PARSE_TIMEOUT_S = 120


def main(arguments: list[str]) -> None:
    """Validate the document."""
    if arguments:
        _validate(Path(arguments[0]).resolve())
        return
    with tempfile.TemporaryDirectory(prefix="asyncapi-") as folder:
        _validate(Path(folder))


def _validate(folder: Path) -> None:
    npm.installed(PARSER, folder)
    shutil.copy(PARSER / "validate.mjs", folder)
    command = [npm.program("node"), "validate.mjs", str(DOCUMENT)]
    npm.run(command, folder, PARSE_TIMEOUT_S, "api-docs/asyncapi.yaml is not valid")


if __name__ == "__main__":
    main(sys.argv[1:])
