"""Write the OpenAPI document to a file, or check that the file is up to date.

::

    python -m user_http.openapi --write api-docs/openapi.yaml
    python -m user_http.openapi --check api-docs/openapi.yaml
"""

import argparse
import sys
from pathlib import Path

from user_http.openapi.document import openapi_yaml


def main(arguments: list[str] | None = None) -> int:
    """Return 0 where all is well, and 1 where the file has drifted."""
    parser = argparse.ArgumentParser(prog="python -m user_http.openapi", description="The OpenAPI document as a file.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="fail when the file differs from the document")
    mode.add_argument("--write", action="store_true", help="bring the file up to date")
    parser.add_argument("file", type=Path, nargs="?", default=Path("api-docs/openapi.yaml"))
    chosen = parser.parse_args(arguments)
    if chosen.write:
        chosen.file.parent.mkdir(parents=True, exist_ok=True)
        chosen.file.write_bytes(openapi_yaml())
        return 0
    if chosen.file.is_file() and chosen.file.read_bytes() == openapi_yaml():
        return 0
    print(f"{chosen.file} has drifted: run `nox -s openapi -- --write`", file=sys.stderr)  # noqa: T201 -- a command's output
    return 1


if __name__ == "__main__":
    sys.exit(main())
