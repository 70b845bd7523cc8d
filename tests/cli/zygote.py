"""Starts userctl again and again without importing it each time: a process that forks for every command.

Each line on standard input is a JSON request: `arguments`, `environ`, `folder`, and the files that standard input,
output and error are connected to. The answer is the exit code, a line each. A command runs in a process of its own, as
`python -m user_cli` would, but for the second that the imports take.
"""

import importlib
import json
import os
import sys
from typing import Any

from user_cli.main import main

PRELOADED = (
    "user_cli.running",
    "usercore.wiring.service",
    "usercore.wiring.migrations",
    "usercore.wiring.messaging",
    *(f"user_cli.commands.{name}" for name in ("attributes", "config", "db", "deliver", "dlq")),
    *(f"user_cli.commands.{name}" for name in ("parked", "preferences", "send", "serve", "token", "topics", "user")),
)


def serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(request)
            code = main(request["arguments"])
            sys.stdout.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


def become(request: dict[str, Any]) -> None:
    """Take on everything that a process of its own would have."""
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(request[name], flags), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - the same
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115 - the same


if __name__ == "__main__":
    serve()
