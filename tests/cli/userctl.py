"""Run userctl as people do: as a program of its own, with an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

OPERATOR = "ada"
COMMAND = (sys.executable, "-m", "user_cli")
_OURS = (
    "USER_SERVICE_",
    "USERCTL_",
    "DATABASE_URL",
    "REDIS_URL",
    "KAFKA_",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "TTY_",
)


def plain_environ() -> dict[str, str]:
    """Give our environment without what means something to userctl."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"USERCTL_OPERATOR": OPERATOR}


@frozen
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        assert (self.code, self.err) == (0, "")
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line on standard error, with nothing on standard output."""
        assert self.out == ""
        assert self.err.count("\n") == 1
        return self.err.rstrip("\n")


@frozen
class Userctl:
    """userctl in an environment.

    Args:
        environ: all of it.
        folder: the working folder, for the test's files too.
        zygote: see :mod:`tests.cli.zygote`; None starts Python anew for each command.
    """

    environ: Mapping[str, str]
    folder: Path
    zygote: "subprocess.Popen[str] | None" = None

    def __call__(self, *arguments: str, stdin: str | bytes = b"", **environ: str) -> Outcome:
        """Run a command to its end."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        if self.zygote is not None:
            return self._forked(self.zygote, arguments, data, dict(self.environ) | environ)
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=dict(self.environ) | environ,
            cwd=self.folder,
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _forked(
        self, zygote: "subprocess.Popen[str]", arguments: Sequence[str], stdin: bytes, environ: Mapping[str, str]
    ) -> Outcome:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        with TemporaryDirectory() as name:
            files = {stream: str(Path(name, stream)) for stream in ("stdin", "stdout", "stderr")}
            Path(files["stdin"]).write_bytes(stdin)
            request = {"arguments": arguments, "environ": environ, "folder": str(self.folder), **files}
            zygote.stdin.write(json.dumps(request) + "\n")
            zygote.stdin.flush()
            code = int(zygote.stdout.readline())
            out, err = (Path(files[stream]).read_text(encoding="utf-8") for stream in ("stdout", "stderr"))
        return Outcome(code, out, err)

    def json(self, *arguments: str, **more: Any) -> Any:
        """Run a command that succeeds, and give its JSON document."""
        return self(*arguments, "--json", **more).document
