"""Check the alert rules with Prometheus' own promtool, and run their tests.

`PROMTOOL` names one of your own; else that of the PATH is taken, and else Debian's package is unpacked into `.cache`,
without installing it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_CACHE: Final = ROOT / ".cache" / "promtool"
_UNPACKED: Final = _CACHE / "usr" / "bin" / "promtool"
RULES: Final = ROOT / "deploy" / "prometheus" / "alerts.yml"
TIMELINES: Final = ROOT / "deploy" / "prometheus" / "tests" / "alerts.yml"


def found() -> str | None:
    """Return where promtool is, or None where there is none yet."""
    given = os.environ.get("PROMTOOL") or shutil.which("promtool")
    return given or (str(_UNPACKED) if _UNPACKED.exists() else None)


def fetched() -> str:
    """Return where promtool is, and fetch it where there is none."""
    if (here := found()) is not None:
        return here
    _CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["/usr/bin/apt-get", "download", "prometheus"], cwd=_CACHE, check=True)
    for package in _CACHE.glob("prometheus_*.deb"):
        subprocess.run(["/usr/bin/dpkg", "-x", str(package), str(_CACHE)], check=True)
        package.unlink()
    return str(_UNPACKED)


def check(promtool: str) -> None:
    """Check the rules and run their tests.

    Raises:
        CalledProcessError: a rule is wrong, or an alert does not fire when it should, or fires when it should not.
    """
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True)
    subprocess.run([promtool, "test", "rules", str(TIMELINES)], check=True)


if __name__ == "__main__":
    try:
        check(fetched())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
