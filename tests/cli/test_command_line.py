"""The command line itself: help, slips of the keyboard, exit codes, pipes, colours and Ctrl-C."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import user_cli.running
import usercore.wiring.migrations
import usercore.wiring.service
from tests.cli.processes import wait_until
from tests.cli.userctl import COMMAND, plain_environ
from tests.keys import MASTER_KEYS_SETTING
from user_cli import exits
from user_cli.embedded import EmbeddedServerError
from user_cli.main import main
from usercore.kernel.errors import UserCoreError, all_errors

COMMANDS = [
    *("dev", "serve", "deliver", "db upgrade", "db downgrade", "db status", "db partitions", "token", "token keygen"),
    *("user create", "user get", "user list", "user update", "user deactivate", "user reactivate", "user history"),
    *("preferences get", "preferences set", "topics register", "topics list"),
    *("suppression add", "suppression remove", "suppression check"),
    *("consents list", "consents record", "consents purposes register", "consents purposes list"),
    *("deliveries list", "deliveries show", "deliveries retry", "deliveries discard", "auth reconcile"),
    *("attributes register", "attributes list", "config check", "config docs"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    shown = capsys.readouterr()
    assert f"userctl {command} " in shown.out.replace("Usage: ", "").replace("\n", " ")
    assert shown.out.count(f"userctl {command}") >= 2, "the usage line, and an example"
    assert "Exit codes: 0 done" in shown.out
    assert shown.err == ""


def test_the_first_page_lists_every_group_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command.split()[0] in shown for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["usr", "canary"], "did you mean user?"),
        (["user", "lits"], "did you mean list?"),
        (["user", "get", "--emial", "canary@example.com"], "did you mean --email?"),
        (["user", "get", "--emial=canary@example.com"], "did you mean --email?"),
        (["user", "get"], "--id, --email, --username or --external-id"),
        (["user", "get", "--email", "canary@example.com", "--id", "canary"], "one of them"),
        (["user", "get", "canary", "canary"], "more arguments"),
        (["user", "get", "canary", "--at", "canary"], "--at: write a time"),
        (["user", "get", "canary", "--at", "2026-01-01T00:00:00"], "--at: write a time with its zone"),
        (["user", "list", "--limit", "canary"], "--limit takes a whole number"),
        (["user", "list", "--sort", "canary"], "--sort: write one of createdAt"),
        (["user", "list", "--all", "--cursor", "canary"], "leave --cursor out"),
        (["user", "create", "--password", "canary"], "there is no such option"),
        (["user", "create", "-", "--email", "canary@example.com"], "either by options or as JSON"),
        (["user", "create", "-", "--password-stdin"], "standard input holds the JSON"),
        (["user", "create", "--email", "canary@example.com", "--set", "email=canary@example.com"], "once"),
        (["user", "update", "canary"], "by --set or --unset"),
        (["user", "update", "canary", "--set", "canary"], "--set: write field=value"),
        (["user", "deactivate", "canary", "--until", "canary"], "--until: write a time"),
        (["preferences", "set", "canary"], "--subscribe and --unsubscribe"),
        (["preferences", "set", "canary", "--subscribe", "a", "--unsubscribe", "a"], "each once"),
        (["topics", "register", "canary"], "--title is needed"),
        (["attributes", "register"], "SOURCE is needed"),
        (["attributes", "register", "--forse"], "there is no such option"),
        (["dev", "--port", "70000"], "--port"),
        (["dev", "--samples", "-1"], "--samples"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_one_line_that_says_what_to_write_and_repeats_no_value(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/never-asked")
    monkeypatch.setenv("USER_SERVICE_MASTER_KEYS", MASTER_KEYS_SETTING)
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert main(arguments) == exits.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("userctl: usage: ")
    assert shown.err.count("\n") == 1
    assert hint in shown.err
    assert "canary" not in shown.err


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x1b[31m"])
def test_an_operator_without_a_usable_name_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/never-asked")
    monkeypatch.setenv("USER_SERVICE_MASTER_KEYS", MASTER_KEYS_SETTING)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("USERCTL_OPERATOR", name or " ")
    assert main(["topics", "list"]) == exits.USAGE
    assert capsys.readouterr().err.startswith("userctl: usage: USERCTL_OPERATOR: ")


def test_every_error_has_the_exit_code_of_its_kind() -> None:
    assert {user_cli.running, usercore.wiring.service, usercore.wiring.migrations}, "imported, so that errors are known"
    for error in (*all_errors(), EmbeddedServerError):
        code = exits.exit_code(error)
        assert code in exits.EXIT_CODES.values()
        if error is not UserCoreError and error.__name__ != "ServerEndedError":
            assert code != exits.INTERNAL, f"{error.__name__} has no kind that userctl knows"
    assert exits.exit_code(ZeroDivisionError) == exits.INTERNAL


def test_exit_codes_are_distinct_and_all_of_them_are_explained() -> None:
    codes = list(exits.EXIT_CODES.values())
    assert len(set(codes)) == len(codes)
    for code in (*codes, exits.INTERRUPTED, exits.BROKEN_PIPE):
        assert f" {code} " in exits.HELP.replace("\n", " ")


def test_a_reader_that_goes_away_is_no_error_to_talk_about() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "config", "docs"], stdout=pipe, stderr=subprocess.PIPE, env=plain_environ(), check=False
        )
    assert (done.returncode, done.stderr) == (exits.BROKEN_PIPE, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="asks how much of a pipe has been read")
@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="a shell in whose background this runs ignores Ctrl-C"
)
def test_ctrl_c_ends_the_waiting_for_input_without_a_traceback() -> None:
    reading, writing = os.pipe()
    command = [*COMMAND, "attributes", "register", "-"]
    with subprocess.Popen(command, stdin=reading, stderr=subprocess.PIPE, env=plain_environ()) as process:
        os.write(writing, b"{")
        # Once the byte is taken, the command waits for more.
        wait_until(lambda: unread(reading) == 0)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    os.close(reading)
    os.close(writing)
    assert (process.returncode, error) == (exits.INTERRUPTED, b"")


def unread(pipe: int) -> int:
    """Ask how many bytes of a pipe nobody has read yet."""
    answer = fcntl.ioctl(pipe, termios.FIONREAD, struct.pack("i", 0))
    count: int = struct.unpack("i", answer)[0]
    return count


@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_that_want_them(extra: dict[str, str], tmp_path: Path, *, coloured: bool) -> None:
    environ = plain_environ() | {"TERM": "xterm-256color", "COLUMNS": "80"} | extra
    assert ("\x1b[36m" in in_terminal(["--help"], environ)) is coloured


def in_terminal(arguments: list[str], environ: dict[str, str]) -> str:
    """Run userctl in a terminal and give what it shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=theirs, stdin=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # EIO: nobody holds the other end any more
        return b""
