"""Where an Apache Kafka cannot be had, one line says why, and the command does not run."""

import os
import subprocess
import sys
from pathlib import Path

from attrs import frozen

TOOL = Path(__file__).parents[2] / "tools" / "apache_kafka.py"


@frozen
class Machine:
    """A machine with these programs, where nothing was fetched yet."""

    folder: Path

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, **environ: str) -> "subprocess.CompletedProcess[str]":
        ours = {"PATH": str(self.folder), "APACHE_KAFKA_CACHE": str(self.folder / "cache"), "TMPDIR": "/tmp"}  # noqa: S108
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "JAVA_", "APACHE_"))
        }
        command = [sys.executable, str(TOOL), "run", "--", sys.executable, "-c", "import os; print(sorted(os.environ))"]
        return subprocess.run(
            command, env=kept | ours | environ, capture_output=True, text=True, timeout=60, check=False
        )


def test_without_maven_it_says_so(tmp_path: Path) -> None:
    done = Machine(tmp_path).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "apache_kafka.py: Apache Kafka 3.9.1 cannot be fetched: Maven (mvn) is not installed\n"


def test_when_maven_fails_its_first_error_is_shown(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("mvn", "echo '[INFO] trying'; echo '[ERROR] no such host'; echo '[ERROR] more'; exit 1")
    done = machine.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "apache_kafka.py: Apache Kafka 3.9.1 cannot be fetched: [ERROR] no such host\n"
    assert list((tmp_path / "cache").iterdir()) == [], "half a download is left"


def test_without_java_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache" / "lib").mkdir(parents=True)
    done = Machine(tmp_path).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "apache_kafka.py: Apache Kafka cannot be started: Java is not installed\n"


def test_a_broker_that_is_named_is_used_and_nothing_fetched(tmp_path: Path) -> None:
    done = Machine(tmp_path).run(KAFKA_BOOTSTRAP="elsewhere.invalid:9092")
    assert (done.returncode, done.stderr) == (0, "")
    assert "'KAFKA_IS_APACHE'" in done.stdout
