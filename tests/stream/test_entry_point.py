"""The stream processor's entry point pretends nothing."""

import os
import subprocess
import sys

import pytest

from user_stream.settings import StreamSettings, StreamSettingsError, load_stream_settings


def run(**environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP"}
    return subprocess.run(
        [sys.executable, "-m", "user_stream"], env=kept | environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("environ", [{}, {"KAFKA_BOOTSTRAP": "127.0.0.1:9092"}])
def test_it_says_in_one_line_that_there_is_no_stream_processor_and_exits_as_unavailable(
    environ: dict[str, str],
) -> None:
    done = run(**environ)
    assert done.returncode == 69
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "not part of this release" in done.stderr


def test_bad_settings_are_reported_in_one_line_that_names_the_variable() -> None:
    done = run(KAFKA_BOOTSTRAP="127.0.0.1:9092,nonsense")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == "KAFKA_BOOTSTRAP: 'nonsense' is not host:port\n"


def test_brokers_are_read_from_a_list_with_commas() -> None:
    settings = load_stream_settings({"KAFKA_BOOTSTRAP": " a:9092, [::1]:9093 ,"})
    assert settings == StreamSettings(("a:9092", "[::1]:9093"))


@pytest.mark.parametrize("text", ["", " , ", "a", "a:", ":9092", "a:0", "a:65536", "a:9092x", "a:٣"])
def test_what_is_no_list_of_brokers_is_refused(text: str) -> None:
    with pytest.raises(StreamSettingsError, match=r"^KAFKA_BOOTSTRAP: "):
        load_stream_settings({"KAFKA_BOOTSTRAP": text})
