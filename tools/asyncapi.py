"""Write api-docs/asyncapi.yaml from the messages that the code declares; `--check` fails when it has drifted."""

import sys
from pathlib import Path

from user_cli.event_catalog.specifications import asyncapi_document
from user_cli.event_catalog.texts import yaml_text

PAGE = Path(__file__).resolve().parent.parent / "api-docs" / "asyncapi.yaml"


def main(arguments: list[str]) -> None:
    """Write the document, or check it."""
    page = yaml_text(asyncapi_document())
    if "--check" not in arguments:
        PAGE.write_text(page, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page:
        sys.exit("api-docs/asyncapi.yaml has drifted: run python tools/asyncapi.py --write")


if __name__ == "__main__":
    main(sys.argv[1:])
