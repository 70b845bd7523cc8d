"""Nothing that is classified as personal leaves by a log line, whoever forgets to leave it out."""

import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import NASTY
from usercore.codec.scalars import camel
from usercore.observe.logs import configure_logs
from usercore.observe.redaction import REDACTED, without_personal_data
from usercore.privacy.classification import COLUMNS
from usercore.privacy.classification.naming import is_personal
from usercore.settings import TelemetrySettings
from usercore.settings.sections import LogFormat, LogLevel

CANARY = "canary-ada-lovelace"
PERSONAL = sorted({column.name for column in COLUMNS.values() if column.sensitivity.is_personal})
PARTS = ["address", "street", "city", "postal_code", "country", "notes"]
"""What the domain and the wire call several columns together, and one of them within."""
OURS = {"event", "level", "timestamp", "error", "at", "code", "detail", "route", "method", "status", "ms", "request_id"}
OURS |= {"task", "topic", "topics", "tries", "user_id", "operator", "operator_reason", "shard", "port", "state"}
ANYTHING = st.recursive(
    st.text() | st.sampled_from(NASTY) | st.none() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
LEVELS = ("debug", "info", "warning", "error", "critical")


def spellings(name: str) -> set[str]:
    return {name, camel(name), name.upper(), name.replace("_", "-"), name.replace("_", ".")}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A log at its most talkative, as text."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)
    return io.StringIO()


@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.CONSOLE])
@pytest.mark.parametrize("level", LEVELS)
def test_no_personal_field_is_shown_at_any_level_in_any_form(log: io.StringIO, level: str, form: LogFormat) -> None:
    configure_logs(TelemetrySettings(log_level=LogLevel.DEBUG, log_format=form), log)
    try:
        write = getattr(structlog.get_logger(), level)
        for name in {spelt for known in (*PERSONAL, *PARTS) for spelt in spellings(known)}:
            write("a line", **{name: CANARY})
            write("a nested line", told={"deeper": [{name: CANARY}, ({name: {"within": CANARY}},)]})
            with structlog.contextvars.bound_contextvars(**{name: CANARY}):
                write("a line of a context")
        getattr(logging.getLogger("somebody.else"), level)("welcome %s", f"{CANARY}@example.com")
    finally:
        structlog.reset_defaults()
    assert log.getvalue().count("a nested line") > 100
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("name", ["password", "new_password", "passwordHash", "secret", "accessToken", "old.email"])
def test_secrets_and_contacts_are_known_within_longer_names(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_our_own_lines_tell_is_shown(name: str) -> None:
    assert without_personal_data(None, "info", {name: "told"}) == {name: "told"}


def test_addresses_are_taken_out_of_texts_and_all_else_stays() -> None:
    told: dict[str, Any] = {
        "event": f"cannot write to <{CANARY}@example.com>, try again",
        "tries": 3,
        "parts": {"sent": True, "to": [f"{CANARY}@example.com"]},
        "email": None,
        "raw": CANARY.encode(),
    }

    assert without_personal_data(None, "info", told) == {
        "event": f"cannot write to <{REDACTED}>, try again",
        "tries": 3,
        "parts": {"sent": True, "to": [REDACTED]},
        "email": None,
        "raw": REDACTED,
    }


@given(ANYTHING)
def test_whatever_is_logged_stays_json_and_hides_what_is_personal(value: object) -> None:
    deep: object = {"email": CANARY, "value": value}
    for _ in range(12):
        deep = [{"told": deep}]

    shown = json.dumps(without_personal_data(None, "info", {"told": value, "deep": deep, "first_name": value}))

    assert CANARY not in shown
