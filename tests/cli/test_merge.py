"""`userctl merge`: two accounts become one."""

import pytest

from tests.cli.test_users import created
from tests.cli.userctl import Userctl

WHY = ("--reason", "the same person, ticket 17")


@pytest.fixture(scope="module")
def pair(userctl: Userctl) -> tuple[str, str]:
    """Two accounts of one person."""
    first = created(userctl, "merge.one@example.com", "--phone-number", "+4930111")
    return first, created(userctl, "merge.two@example.com", "--phone-number", "+4930222", "--locale", "de-DE")


def test_a_merge_is_shown_before_done_with_a_reason_and_listed(userctl: Userctl, pair: tuple[str, str]) -> None:
    shown = userctl("merge", "preview", *pair, "--take", "phoneNumber")
    assert (shown.code, shown.err) == (0, "")
    assert "+4930222" in shown.out
    assert userctl("merge", "run", *pair).code == 64
    assert userctl.json("merge", "list", pair[0])["items"] == []

    made = userctl.json("merge", "run", *pair, *WHY, "--take", "phoneNumber")
    assert (made["userId"], made["mergedUserId"]) == pair
    again = userctl.json("merge", "run", *pair, *WHY)
    assert again == made
    assert userctl.json("merge", "list", pair[1])["items"] == [made]
    listed = userctl("merge", "list", pair[0])
    assert made["id"] in listed.out

    for name in ((pair[1],), ("--email", "merge.two@example.com")):
        profile = userctl.json("user", "get", *name)
        assert (profile["id"], profile["phoneNumber"], profile["locale"]) == (pair[0], "+4930222", "de-DE")
    refused = userctl("user", "update", pair[1], "--set", "firstName=A")
    assert "user_merged" in refused.error
    assert pair[0] in refused.error

    assert userctl("merge", "undo", pair[0], made["id"]).code == 64
    shown = userctl("merge", "undo", pair[0], made["id"], "--preview")
    assert (shown.code, shown.err) == (0, "")
    assert "+4930111" in shown.out
    undone = userctl.json("merge", "undo", pair[0], made["id"], "--reason", "two sisters")
    assert (undone["undoableUntil"], undone["undone"]["reason"]) == (None, "two sisters")
    profile = userctl.json("user", "get", pair[1])
    assert (profile["id"], profile["status"]) == (pair[1], "ACTIVE")


def test_candidates_are_found_shown_and_dismissed(userctl: Userctl) -> None:
    pair = [created(userctl, f"twin.{n}@example.com", "--phone-number", "+4930999") for n in range(2)]
    shown = userctl("merge", "candidates", "--scan", "--user", pair[0])
    assert (shown.code, shown.err) == (0, "")
    assert pair[1] in shown.out
    assert "SAME_PHONE" in shown.out
    dismissed = userctl.json("merge", "dismiss", *pair, "--reason", "two sisters")
    assert dismissed["items"][0]["dismissed"]["reason"] == "two sisters"
    assert userctl.json("merge", "candidates", "--user", pair[0])["items"] == []
    assert userctl.json("merge", "candidates", "--dismissed")["items"] == dismissed["items"]
