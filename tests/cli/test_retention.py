"""`userctl retention`."""

import json

from tests.cli.userctl import Userctl

KEEPS_ALL = {
    f"USER_SERVICE_RETENTION_{name}_DAYS": "0"
    for name in ("SETTLED_DEAD_LETTERS", "WAITING_DEAD_LETTERS", "CLOSED_REQUESTS")
}


def test_the_schedule_is_shown_tried_and_run(userctl: Userctl) -> None:
    rules = json.loads(userctl("retention", "schedule", "--json", USER_SERVICE_RETENTION_INACTIVITY_DAYS="700").out)[
        "rules"
    ]
    assert {rule["rule"]: rule["keptForDays"] for rule in rules} == {
        "settled_dead_letters": 30,
        "waiting_dead_letters": 180,
        "closed_requests": 1278,
        "inactivity_notice": 700,
        "inactivity_deactivation": 30,
    }
    dry = userctl("retention", "run", "--dry-run")
    assert (dry.code, "HELD BACK" in dry.out) == (0, True)
    done = userctl("retention", "run", "--reason", "monthly clean-up", "--json")
    assert [rule["done"] for rule in json.loads(done.out)["rules"]] == [0, 0, 0]


def test_a_run_needs_a_reason_and_a_schedule_that_keeps_all_says_so(userctl: Userctl) -> None:
    refused = userctl("retention", "run")
    assert (refused.code, "--reason" in refused.err) == (64, True)
    assert userctl("retention", "schedule", **KEEPS_ALL).out.startswith("The schedule keeps everything")
