"""`user-http` says at once, and by name, what is wrong with its settings."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http.tokens import key_file
from tests.keys import MASTER_KEYS_SETTING

SERVERS = ("DATABASE_URL", "REDIS_URL")
GOOD = {
    "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/users",
    "USER_SERVICE_MASTER_KEYS": MASTER_KEYS_SETTING,
}


def run(**environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name not in SERVERS and "USER_SERVICE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "user_http"], env=kept | environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_every_wrong_setting_is_named_in_a_line_of_its_own() -> None:
    done = run(USER_SERVICE_LISTEN_PORT="http", USER_SERVICE_LOG_LEVEL="loud")
    assert (done.returncode, done.stdout) == (78, "")
    named = {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert named == {
        "DATABASE_URL",
        "USER_SERVICE_MASTER_KEYS",
        "USER_SERVICE_LISTEN_PORT",
        "USER_SERVICE_LOG_LEVEL",
        "USER_SERVICE_TOKEN_KEY_FILE",
    }


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\xff\xfe", b'{"keys": []}'])
def test_a_key_file_without_keys_is_refused_before_anything_is_served(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    done = run(**GOOD, USER_SERVICE_TOKEN_KEY_FILE=str(file))
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("USER_SERVICE_TOKEN_KEY_FILE: the file it names ")
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_ends_the_program(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        file = str(key_file(tmp_path))
        done = run(**GOOD, USER_SERVICE_TOKEN_KEY_FILE=file, USER_SERVICE_LISTEN_PORT=port)
    assert done.returncode != 0
    assert "address already in use" in done.stderr
