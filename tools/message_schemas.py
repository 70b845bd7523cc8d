"""Write api-docs/schemas from the messages that the code declares; `--check` fails when they have drifted.

A file that is there is what others build on: it is written anew only where nothing but words changed. Any other change
takes a new version, which the registry names, and with it a new file.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from usercore.codec.messages.compatibility import change_between, version_needed
from usercore.codec.messages.contracts import Contract
from usercore.codec.messages.registry import PUBLISHED, RECEIVED
from usercore.codec.messages.schemas import schema_of

FOLDER = Path(__file__).resolve().parent.parent / "api-docs" / "schemas"


def main(arguments: list[str]) -> None:
    """Write the schemas, or check them."""
    wrong = list(problems(FOLDER))
    if wrong:
        sys.exit("\n".join(wrong))
    for contract in (*RECEIVED, *PUBLISHED):
        _bring_up(contract, check="--check" in arguments)


def problems(folder: Path) -> Iterator[str]:
    """Yield what keeps the schemas of today from being published beside those in a folder."""
    names = {contract.name for contract in (*RECEIVED, *PUBLISHED)}
    for known in sorted(folder.glob("*/")):
        if known.name not in names:
            yield f"{known.name}: others build on it; it cannot be taken away"
    for contracts, received in ((RECEIVED, True), (PUBLISHED, False)):
        for contract in contracts:
            yield from problems_of(contract, kept(folder, contract.name), received=received)


def problems_of(contract: Contract, published: Mapping[str, Mapping[str, Any]], *, received: bool) -> Iterator[str]:
    """Yield what keeps a message's schema from being published.

    Args:
        contract: of today.
        published: schemas by version.
        received: whether others send it, and not we.
    """
    earlier = [version for version in published if _order(version) < _order(contract.version)]
    newest = contract.version if contract.version in published else max(earlier, key=_order, default=None)
    if newest is not None:
        change = change_between(published[newest], schema_of(contract), received=received)
        needed = version_needed(newest, change)
        if _order(contract.version) < _order(needed):
            yield f"{contract.name}: a {change.name.lower()} change since {newest} makes it version {needed} at least"
    for version in published:
        if _order(version) > _order(contract.version):
            yield f"{contract.name}: version {version} is published, so that it is the current one"
        elif received and not contract.reads(_order(version)[0]):
            yield f"{contract.name}: version {version} must stay readable: give it an upcaster"


def kept(folder: Path, name: str) -> dict[str, Any]:
    """Return the schemas of a message that are in a folder, by version."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(f"{name}/*.json")}


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _bring_up(contract: Contract, *, check: bool) -> None:
    path = FOLDER / contract.name / f"{contract.version}.json"
    text = json.dumps(schema_of(contract), indent=2, ensure_ascii=False) + "\n"
    if check:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(FOLDER.parent)} has drifted: run python tools/message_schemas.py --write")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
