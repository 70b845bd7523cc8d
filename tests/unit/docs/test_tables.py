"""What the documentation lists is what the code declares."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("page", ["metrics", "errors", "access", "segments"])
def test_the_documented_table_is_the_one_the_code_declares(page: str) -> None:
    subprocess.run([sys.executable, f"tools/{page}_table.py", "--check"], cwd=ROOT, check=True)


def test_the_processing_register_is_what_the_classification_says() -> None:
    subprocess.run([sys.executable, "tools/processing_register.py", "--check"], cwd=ROOT, check=True)


@pytest.mark.parametrize("tool", ["message_schemas", "asyncapi"])
def test_the_described_messages_are_the_ones_the_code_declares(tool: str) -> None:
    subprocess.run([sys.executable, f"tools/{tool}.py", "--check"], cwd=ROOT, check=True)


def test_every_code_of_a_dead_letter_is_documented() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    given = re.compile(
        r'(?:(?:Fault|UnanswerableError|UnreadableMessageError|JsonRefusedError)\(\s*|_ERROR: Final = )"(\w+)"'
    )
    sources = [
        *(ROOT / "packages/user-stream/src").rglob("*.py"),
        *(ROOT / "packages/usercore/src/usercore/codec").rglob("*.py"),
    ]
    codes = {code for source in sources for code in given.findall(source.read_text(encoding="utf-8"))}

    assert len(codes) > 20
    assert {code for code in codes if f"| `{code}` |" not in page} == set()
