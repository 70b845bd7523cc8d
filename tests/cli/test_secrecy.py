"""No command repeats on standard error what it was given, whatever is wrong with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve
from cyclopts import App
from rich.console import Console

from tests.cli.userctl import Userctl
from user_cli.app import build_app

MARK = "cnryq7f3"
ADDRESS = f"{MARK}@{MARK}.example"
NOBODY = "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11"
PROGRAMS = {"dev", "serve", "stream", "relay", "deliver", "events", "profiles", "send", "config", "db", "outbox", "dlq"}
PROGRAMS |= {"parked", "token"}
"""What runs until it is stopped, is about messages or settings and has tests of its own, or has no personal options."""
APP = build_app(Console(), Console())


def group(name: str) -> App:
    """Give a group of commands as it is when it is asked for: another way it would keep the line of the first page."""
    return build_app(Console(), Console(), name)[name]


def leaves(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command."""
    inner = [name for name in app if not name.startswith("-")]
    if not inner:
        yield path
    for name in inner:
        yield from leaves(app[name], (*path, name))


GROUPS = {name for name in APP if not name.startswith("-")}
COMMANDS = [path for name in sorted(GROUPS - PROGRAMS) for path in leaves(group(name), (name,))]


def lines(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Give command lines with canaries: in each option by itself, in all, in none that there is, and one too many."""
    app = group(path[0])
    for name in path[1:]:
        app = app[name]
    arguments = [one for one in app.assemble_argument_collection() if one.names != ("*",) and not one.is_flag()]
    flagged = [one.names[0] for one in arguments if one.names[0].startswith("--")]
    needed = [one.names[0] for one in arguments if one.required and one.names[0].startswith("--")]
    # An address where a name is asked for is the likeliest mistake; a file's name that is none may be shown.
    positional = [ADDRESS for one in arguments if not one.names[0].startswith("--")]

    def with_values(names: list[str], value: str) -> tuple[str, ...]:
        return tuple(part for name in names for part in (name, value))

    yield (*path, *positional, *with_values(flagged, MARK))
    yield (*path, *positional, *with_values(needed, ADDRESS))
    yield (*path, *positional, *with_values(needed, MARK), f"--{MARK}", MARK)
    yield (*path, *positional, *with_values(needed, MARK), *[ADDRESS] * 9)
    for name in flagged:
        if name not in needed:
            yield (*path, *positional, *with_values([*needed, name], ADDRESS))


def test_every_group_of_commands_is_tried_or_named() -> None:
    assert GROUPS >= PROGRAMS
    assert {path[0] for path in COMMANDS} == GROUPS - PROGRAMS


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_value_that_is_wrong_is_repeated(userctl: Userctl, path: tuple[str, ...]) -> None:
    talkative = evolve(userctl, environ=dict(userctl.environ) | {"USER_SERVICE_LOG_LEVEL": "debug"})
    refused = 0
    for line in lines(path):
        done = talkative(*line, stdin=f'{{"{MARK}": "{MARK}"}} {MARK}\n')
        assert MARK not in done.err.lower(), line
        assert "Traceback" not in done.err, line
        refused += done.code != 0
    assert refused


@pytest.fixture(scope="module")
def person(userctl: Userctl) -> dict[str, Any]:
    """Somebody whose every field is a canary."""
    flags = ("--email", ADDRESS, "--first-name", f"{MARK} first", "--last-name", f"{MARK} last")
    found: dict[str, Any] = userctl.json("user", "create", *flags)
    return found


def test_what_is_refused_of_somebody_who_is_there_names_nothing_of_them(
    userctl: Userctl, person: dict[str, Any]
) -> None:
    why = ("--reason", f"{MARK} why")
    user = person["id"]
    asked = userctl.json("privacy", "request", "erasure", user, "--text", f"{MARK} forget me")["id"]
    assert userctl("privacy", "hold", user, "--matter", "case-1", *why).code == 0
    refusals = [
        ("user", "create", "--email", ADDRESS, "--first-name", MARK, "--last-name", MARK),
        ("privacy", "run", asked),
        ("privacy", "archive", asked, "--to", "/nowhere/somebody.zip"),
        ("privacy", "complete", asked, "--outcome", f"{MARK} done"),
        ("privacy", "unrestrict", "--email", f"other.{ADDRESS}"),
        ("privacy", "release", user, "--matter", f"{MARK}-2", *why),
        ("privacy", "request", "rectification", user, "--text", f"{MARK}\u0000"),
        ("privacy", "export", user, "--output", "/nowhere/somebody.zip", *why),
        ("privacy", "export", NOBODY, "--output", "somebody.zip", *why),
        ("consents", "record", "--email", ADDRESS, "--purpose", MARK, "--given", "--proof", f"{MARK} signed"),
        ("audit", "show", NOBODY, "--actor", MARK),
        ("audit", "verify-export", ADDRESS),
        ("deliveries", "show", f"{user}:{MARK}"),
        ("deliveries", "discard", f"{user}/{MARK}", *why),
        ("mail", "test", ADDRESS),
        ("mail", "preview", MARK),
    ]
    for line in refusals:
        done = userctl(*line, USER_SERVICE_LOG_LEVEL="debug")
        assert done.code != 0, (line, done.out)
        assert MARK not in (done.out + done.err).lower(), (line, done.err)


@pytest.mark.parametrize(
    "settings",
    [
        {"DATABASE_URL": f"postgresql://{MARK}:{MARK}@127.0.0.1:1/{MARK}"},
        {"DATABASE_URL": f"{MARK}://{MARK}:{MARK}@nowhere/{MARK}"},
        {"REDIS_URL": f"{MARK}://{MARK}:{MARK}@127.0.0.1:1/0"},
        {"USER_SERVICE_MASTER_KEYS": MARK},
        {"USER_SERVICE_MASTER_KEYS": "", "USER_SERVICE_MASTER_KEYS_FILE": f"/nowhere/{MARK}"},
        {"USER_SERVICE_MASTER_KEYS": "", "USER_SERVICE_MASTER_KEYS_COMMAND": f"echo {MARK}"},
        {"USER_SERVICE_AUTHENTICATION_ADAPTER": "http", "USER_SERVICE_AUTHENTICATION_TOKEN": MARK},
        {
            "USER_SERVICE_AUTHENTICATION_ADAPTER": "http",
            "USER_SERVICE_AUTHENTICATION_URL": f"https://{MARK}:{MARK}@127.0.0.1:1/base",
            "USER_SERVICE_AUTHENTICATION_TOKEN": MARK,
        },
        {"USER_SERVICE_CACHE_KEY": MARK},
    ],
    ids=lambda settings: "+".join(name.removeprefix("USER_SERVICE_") for name in settings),
)
@pytest.mark.parametrize(
    "command",
    [("user", "get", NOBODY), ("deliver",), ("keys", "status"), ("config", "check"), ("auth", "reconcile")],
    ids=" ".join,
)
def test_a_setting_that_cannot_be_used_does_not_show_its_secret(
    userctl: Userctl, settings: dict[str, str], command: tuple[str, ...]
) -> None:
    done = userctl(*command, USER_SERVICE_LOG_LEVEL="debug", **settings)
    assert MARK not in done.err.lower(), done
    assert "Traceback" not in done.err
    # What is no secret is shown to whoever asks for the settings: names of files, and of a program.
    if not {"USER_SERVICE_MASTER_KEYS_FILE", "USER_SERVICE_MASTER_KEYS_COMMAND"} & settings.keys():
        assert MARK not in done.out.lower(), done
