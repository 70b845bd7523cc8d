"""Deliveries and the AuthenticationService, from a terminal."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import IDS
from tests.cli.userctl import Userctl
from tests.services.fakes import TOKEN, FakeAuthentication
from tests.services.server import Response
from usercore.adapters.sql import open_database
from usercore.adapters.sql.engine import fetch
from usercore.kernel.secret import Secret
from usercore.settings import DatabaseSettings

WHY = ("--reason", "ticket 17")


@pytest.fixture
def authentication() -> Iterator[FakeAuthentication]:
    fake = FakeAuthentication()
    fake.web.start()
    yield fake
    fake.web.stop()


@pytest.fixture
def connected(userctl: Userctl, authentication: FakeAuthentication) -> dict[str, str]:
    return {
        "USER_SERVICE_AUTHENTICATION_ADAPTER": "http",
        "USER_SERVICE_AUTHENTICATION_URL": authentication.web.url,
        "USER_SERVICE_AUTHENTICATION_TOKEN": TOKEN,
        "USER_SERVICE_DELIVERY_RECORD_FILE": str(userctl.folder / "recorded.jsonl"),
    }


@pytest.fixture(autouse=True)
def nothing_is_left_over(userctl: Userctl) -> None:
    async def empty() -> None:
        settings = DatabaseSettings(url=Secret(userctl.environ["DATABASE_URL"]))
        async with open_database(settings) as database:
            await database.write(lambda opened: fetch(opened, b"DELETE FROM deliveries RETURNING 1"))

    asyncio.run(empty())


def a_user(userctl: Userctl) -> str:
    email = f"{IDS.event_id()}@example.com"
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper", "--password-stdin")
    return str(userctl.json("user", "create", *flags, stdin="correct-horse-battery\n")["id"])


def of(userctl: Userctl, user_id: str, *more: str) -> list[dict[str, Any]]:
    return list(userctl.json("deliveries", "list", "--user", user_id, *more)["items"])


def refused(userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication) -> dict[str, Any]:
    """Have the service refuse to make a credential, and give the delivery."""
    user_id = a_user(userctl)
    authentication.web.scripted.append(Response(422))
    told = userctl.json("deliver", **connected)
    assert (told["waiting"], told["failed"]) == (0, 1)
    [line] = of(userctl, user_id, "--state", "FAILED")
    return line


def test_deliveries_are_listed_by_state_recipient_and_user_page_by_page(userctl: Userctl) -> None:
    first, second = a_user(userctl), a_user(userctl)

    lines = of(userctl, first)
    assert {line["recipient"] for line in lines} == {"AUTHENTICATION", "NOTIFICATION", "AUDIT"}
    assert {line["state"] for line in lines} == {"WAITING"}
    assert of(userctl, first, "--state", "FAILED") == []
    listed = ("deliveries", "list", "--recipient", "AUDIT")
    page = userctl.json(*listed, "--limit", "1")
    rest = userctl.json(*listed, "--cursor", page["nextCursor"])
    assert [line["userId"] for line in page["items"] + rest["items"]] == [first, second]
    assert userctl.json(*listed, "--all") == {"items": page["items"] + rest["items"], "nextCursor": None}
    table = userctl(*listed).out.splitlines()
    assert table[0].split() == ["ID", "CREATED", "OPERATION", "USER", "STATE", "TRIES", "ERROR"]
    assert userctl("deliveries", "list", "--user", IDS.user_id()).out == "No deliveries.\n"


def test_what_was_refused_is_shown_without_what_it_says_and_told_after_all(
    userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication
) -> None:
    line = refused(userctl, connected, authentication)
    shown = userctl("deliveries", "show", line["id"])
    assert line["errorCode"] == "http_422"
    assert "http_422" in shown.out
    assert "argon2" not in shown.out + str(line)
    assert "@example.com" not in shown.out + str(line)

    done = userctl.json("deliveries", "retry", line["id"])
    assert done["items"] == [{"id": line["id"], "result": "WAITING"}]
    assert userctl.json("deliver", **connected) == {"delivered": 1, "waiting": 0, "failed": 0}

    assert authentication.credentials[line["userId"]]["passwordHash"].startswith("$argon2id$")
    again = userctl("deliveries", "retry", line["id"])
    assert (again.code, again.error.split(":")[1]) == (79, " delivery_settled")


def test_all_that_was_given_up_can_be_told_at_once(
    userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication
) -> None:
    line = refused(userctl, connected, authentication)
    assert userctl.json("deliveries", "retry", "--all", "--recipient", "AUDIT")["items"] == []
    done = userctl.json("deliveries", "retry", "--all", "--recipient", "AUTHENTICATION", "--user", line["userId"])
    assert done["items"] == [{"id": line["id"], "result": "WAITING"}]


def test_a_delivery_is_discarded_once_and_for_a_reason(
    userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication
) -> None:
    line = refused(userctl, connected, authentication)
    bare = userctl("deliveries", "discard", line["id"])
    assert (bare.code, "--reason is needed" in bare.error) == (64, True)

    done = userctl.json("deliveries", "discard", line["id"], *WHY)
    assert done["items"] == [{"id": line["id"], "result": "DISCARDED"}]

    kept = userctl.json("deliveries", "show", line["id"])
    assert (kept["settlement"]["by"], kept["settlement"]["reason"]) == ("OPERATOR:ada", "ticket 17")
    assert userctl("deliveries", "discard", line["id"], *WHY).code == 79
    absent = userctl("deliveries", "discard", f"{IDS.event_id()}:AUDIT", *WHY)
    assert (absent.code, absent.error.split(":")[1]) == (67, " delivery_not_found")
    assert userctl("deliveries", "retry").code == 64


def test_a_service_that_is_connected_needs_no_file_and_others_do(userctl: Userctl, connected: dict[str, str]) -> None:
    without = {name: value for name, value in connected.items() if name != "USER_SERVICE_DELIVERY_RECORD_FILE"}
    assert userctl("deliver", **without).code == 78
    for service in ("NOTIFICATION", "AUDIT"):
        without |= {f"USER_SERVICE_{service}_ADAPTER": "http", f"USER_SERVICE_{service}_URL": "http://127.0.0.1:1"}
    assert userctl.json("deliver", **without) == {"delivered": 0, "waiting": 0, "failed": 0}


def test_drift_is_shown_and_mended(
    userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication
) -> None:
    user_id = a_user(userctl)
    userctl.json("deliver", **connected)
    drifted = authentication.credentials[user_id]
    drifted["enabled"] = False
    authentication.credentials["nobody"] = {**drifted, "userId": "nobody"}

    shown = userctl.json("auth", "reconcile", "--dry-run", **connected)
    found = {(one["userId"], one["drift"], one["mendedBy"]) for one in shown["items"]}
    assert {(user_id, "WRONG_STATE", None), ("nobody", "ORPHANED", None)} <= found
    assert shown["mended"] == 0
    assert shown["credentialsChecked"] == 2

    mended = userctl.json("auth", "reconcile", **connected)
    assert (user_id, "WRONG_STATE", "ENABLE_CREDENTIAL") in {
        (one["userId"], one["drift"], one["mendedBy"]) for one in mended["items"]
    }
    userctl.json("deliver", **connected)
    assert authentication.credentials[user_id]["enabled"] is True
    table = userctl("auth", "reconcile", "--dry-run", "--page", "1", **connected).out
    assert "nobody" in table
    assert "being mended" in table.splitlines()[-1]
    assert userctl("auth", "reconcile", "--remove-orphaned", **connected).code == 64


def test_an_interrupted_comparison_says_how_to_go_on(
    userctl: Userctl, connected: dict[str, str], authentication: FakeAuthentication
) -> None:
    for _ in range(3):
        a_user(userctl)
    userctl.json("deliver", **connected)
    # The first page is compared, and then the service goes away.
    authentication.web.scripted.extend([Response(200, {"items": []}), Response(503)])

    stopped = userctl("auth", "reconcile", "--dry-run", "--page", "1", **connected)

    assert stopped.code == 69
    how = next(line for line in stopped.err.splitlines() if "go on with" in line)
    place = how.rpartition("--after ")[2]
    assert place.startswith("users:")
    rest = userctl.json("auth", "reconcile", "--dry-run", "--after", place, **connected)
    whole = userctl.json("auth", "reconcile", "--dry-run", **connected)
    assert rest["usersChecked"] == whole["usersChecked"] - 1
    assert userctl("auth", "reconcile", "--after", "nonsense", **connected).code == 64


def test_nothing_is_compared_where_calls_are_only_recorded(userctl: Userctl) -> None:
    a_user(userctl)
    userctl.json("deliver", USER_SERVICE_DELIVERY_RECORD_FILE=str(userctl.folder / "recorded.jsonl"))
    done = userctl("auth", "reconcile", "--dry-run")
    assert (done.code, done.error.split(":")[1]) == (79, " credentials_unknown")
