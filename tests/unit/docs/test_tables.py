"""What the documentation lists is what the code declares."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("page", ["metrics", "errors"])
def test_the_documented_table_is_the_one_the_code_declares(page: str) -> None:
    subprocess.run([sys.executable, f"tools/{page}_table.py", "--check"], cwd=ROOT, check=True)


@pytest.mark.parametrize("tool", ["message_schemas", "asyncapi"])
def test_the_described_messages_are_the_ones_the_code_declares(tool: str) -> None:
    subprocess.run([sys.executable, f"tools/{tool}.py", "--check"], cwd=ROOT, check=True)
