"""`python -m bench` lists its cases, runs them, and fails only where one could not run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from bench.__main__ import main
from bench.cases import ALL
from bench.load.running import ROOT


def run(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_case_is_listed_with_its_floor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(case.name in listed and case.title in listed and case.floor in listed for case in ALL)


def test_no_two_cases_have_one_name() -> None:
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.mark.parametrize("wrong", [["--case", "nothing"], ["--rounds", "0"], ["--seconds", "-1"], ["--users", "x"]])
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(wrong)
    assert refused.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_small_run_measures_real_work_and_leaves_no_database(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "bench.json"
    small = ["--case", "create", "--case", "patch", "--users", "400", "--rounds", "1", "--seconds", "0.2"]
    done = run(*small, "--json", str(path), DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    assert [case["name"] for case in cases] == ["create", "patch"]
    for case in cases:
        assert case["rounds"][0]["ours"]["count"] > 0
        assert case["rounds"][0]["floor"]["count"] > 0
        assert f"{case['name']} " in done.stdout
    with psycopg.connect(postgres_url) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench%'").fetchall()
    assert left == []


def test_a_case_that_cannot_run_is_named_and_fails_the_run(postgres_url: str, redis_url: str, tmp_path: Path) -> None:
    few = ["--case", "read-missed", "--users", "300", "--rounds", "1", "--seconds", "0.2"]
    done = run(*few, "--json", str(tmp_path / "bench.json"), DATABASE_URL=postgres_url, REDIS_URL=redis_url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "read-missed could not run: CaseFailedError: more was read than there are users" in done.stdout
