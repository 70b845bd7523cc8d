"""Messages that others sent once are read for ever as they were read then.

A file under tests/golden/messages is never changed. `read` is what the message asked for on the day it was written.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.letters import a_message
from tests.messages import GOLDEN, is_valid, read, shown
from usercore.codec.messages.registry import BY_NAME, PUBLISHED, RECEIVED

ROOT = Path(__file__).resolve().parents[4]
FILES = sorted((GOLDEN / "messages").glob("*/*/*.json"))


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def named(path: Path) -> str:
    return "/".join(path.parts[-3:])


@pytest.mark.parametrize("path", [file for file in FILES if "read" in load(file)], ids=named)
def test_a_message_of_others_is_read_as_ever(path: Path) -> None:
    golden = load(path)
    headers = tuple((name, value.encode()) for name, value in golden.get("headers", ()))
    key = golden.get("key")
    raw = a_message(
        BY_NAME[path.parts[-3]].topic or "",
        partition=0,
        offset=7,
        headers=headers,
        key=key.encode() if key else None,
        value=golden["value"].encode(),
    )

    message = read(raw)

    assert (message.name, message.version) == path.parts[-3:-1]
    assert json.loads(json.dumps(shown(message.read()))) == golden["read"]


@pytest.mark.parametrize("path", [file for file in FILES if "read" not in load(file)], ids=named)
def test_a_message_of_ours_is_what_its_schema_said(path: Path) -> None:
    schema = load(ROOT / "api-docs" / "schemas" / path.parts[-3] / f"{path.parts[-2]}.json")
    assert is_valid(schema, json.loads(load(path)["value"]))


def test_there_is_a_golden_message_for_every_version_of_every_message() -> None:
    held = {file.parts[-3:-1] for file in FILES}
    published = {file.with_suffix("").parts[-2:] for file in (ROOT / "api-docs" / "schemas").glob("*/*.json")}
    assert held == published
    assert {name for name, _ in held} == {contract.name for contract in (*RECEIVED, *PUBLISHED)}
