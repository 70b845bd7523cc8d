"""The example in the library's README runs as it is and prints what it says."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "packages" / "usercore" / "README.md"
OPTIONAL = {
    "sqlalchemy",
    "psycopg",
    "alembic",
    "redis",
    "litestar",
    "cryptography",
    "structlog",
    "jsonschema",
    "argon2",
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments], check=True, capture_output=True, text=True, timeout=60
    )


def test_the_readmes_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(python|text)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (_, example), (_, printed) = blocks[:2]
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")

    assert run(str(script)).stdout == printed


def test_the_core_in_memory_imports_nothing_of_the_extras() -> None:
    code = "import sys, usercore; usercore.memory_core(); print(*{name.partition('.')[0] for name in sys.modules})"

    assert not OPTIONAL.intersection(run("-c", code).stdout.split())


def test_importing_the_package_alone_imports_none_of_its_parts() -> None:
    code = "import sys, usercore; print(*(name for name in sys.modules if name.startswith('usercore')))"

    assert run("-c", code).stdout.split() == ["usercore"]


def test_every_public_name_is_found_and_no_other() -> None:
    code = (
        "import usercore; [getattr(usercore, name) for name in dir(usercore)]; "
        "print(len(dir(usercore)) > 40, hasattr(usercore, 'nonsense'), hasattr(usercore, '_private'))"
    )

    assert run("-c", code).stdout.split() == ["True", "False", "False"]
