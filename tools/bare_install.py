"""Prove that `pip install usercore` alone is enough.

In a fresh environment that holds usercore and what it declares, run the first Python example of the package's README,
which must print what the README says, and import it with `-X importtime`: nothing of the optional parts comes along.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "packages" / "usercore"
ALLOWED = {"usercore", "attrs", "cattrs", "typing-extensions", "pip", "setuptools"}
OPTIONAL = (
    "sqlalchemy",
    "psycopg",
    "alembic",
    "redis",
    "litestar",
    "cryptography",
    "structlog",
    "jsonschema",
    "msgspec",
    "aiokafka",
    "aiosmtplib",
    "jinja2",
    "opentelemetry",
)


def main() -> None:
    """Run the checks; the first that fails ends the program with a message."""
    with tempfile.TemporaryDirectory(prefix="bare-") as folder:
        python = _environment(Path(folder))
        _check_installed(python)
        _run_example(python, Path(folder))
        _check_imports(python)
    print("bare install: ok")


def _environment(folder: Path) -> Path:
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(PACKAGE)], check=True)
    return python


def _check_installed(python: Path) -> None:
    code = "import importlib.metadata as m; print(*(d.name.lower() for d in m.distributions()))"
    names = {name.replace("_", "-") for name in _output(python, "-c", code).split()}
    if extra := names - ALLOWED:
        sys.exit(f"usercore alone brings {', '.join(sorted(extra))}")


def _run_example(python: Path, folder: Path) -> None:
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```.*?```text\n(.*?)```", readme, re.DOTALL)
    if example is None:
        sys.exit("the README of usercore shows no Python example with its output")
    script = folder / "example.py"
    script.write_text(example[1], encoding="utf-8")
    if (printed := _output(python, "-W", "error", str(script))) != example[2]:
        sys.exit(f"the README's example prints something else:\n{printed}")


def _check_imports(python: Path) -> None:
    done = subprocess.run(
        [str(python), "-X", "importtime", "-c", "import usercore"], check=True, capture_output=True, text=True
    )
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    if brought := modules.intersection(OPTIONAL):
        sys.exit(f"import usercore imports {', '.join(sorted(brought))}")


def _output(python: Path, *arguments: str) -> str:
    done = subprocess.run([str(python), *arguments], check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"python {arguments[0]} … failed with status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
