"""Schemathesis over the whole document, against a real server: no input gives a 5xx or an undescribed answer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.http.api import a_core
from tests.http.live import live_server, prepared
from tests.http.tokens import EVERYTHING, token

EXAMPLES = settings().max_examples // 6  # by the profile that tests/conftest.py loads
CONFIG = """
[checks.positive_data_acceptance]
# Rules that JSON Schema cannot tell (a time zone's name, a cursor of ours, one name of three) refuse what
# satisfies the schema, and so does a quota that is used up: these statuses count as a fair answer.
expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 412, 422, 429]

[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""


@pytest.mark.schema
def test_every_operation_and_every_link_answers_as_described(tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with live_server(tmp_path, prepared(a_core())) as url:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                f"--config-file={config}",
                "run",
                f"{url}/openapi.json",
                f"--header=Authorization: Bearer {token(EVERYTHING)}",
                f"--max-examples={EXAMPLES}",
                "--seed=1",
                "--exclude-operation-id=createImport",  # its body is no JSON; tests/http/test_imports.py has its own
                "--suppress-health-check=all",
                "--continue-on-failure",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    covered = re.search(r"API Links:\s+(\d+) covered / \d+ selected", done.stdout)
    assert covered is not None, done.stdout[-3000:]
    assert int(covered[1]) > 0
