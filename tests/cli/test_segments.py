"""`userctl segment`: counts, meanings, and filters that are kept."""

import json
import re
import shlex
from pathlib import Path
from typing import Final

from tests.cli.userctl import OPERATOR, Userctl

PAGE: Final = Path(__file__).parents[2] / "docs" / "segments.md"

GOLD = "locale = 'de' and createdAt > now - 7 days"


def test_a_segment_is_kept_counted_listed_explained_and_deleted(userctl: Userctl) -> None:
    for place, locale in enumerate(("de", "de", "en")):
        user = {"email": f"{place}@example.com", "firstName": "A", "lastName": "B", "locale": locale}
        userctl.json("user", "create", "-", stdin=json.dumps(user))

    kept = userctl.json("segment", "save", "new-gold", GOLD, "--about", "the letter")
    assert (kept["filter"], kept["savedBy"]) == (GOLD.replace("'", '"'), f"OPERATOR:{OPERATOR}")
    assert userctl.json("segment", "list")["items"] == [kept]
    assert userctl("segment", "count", GOLD).out == "2 users\n"
    assert userctl.json("segment", "count", "--segment", "new-gold")["users"] == 2
    listed = userctl.json("user", "list", "--segment", "new-gold", "--filter", "version = 1")["items"]
    assert [user["locale"] for user in listed] == ["de"] * 2
    exported = userctl("export", "--segment", "new-gold", "--fields", "locale", "--reason", "ticket 9")
    assert exported.out == '{"locale":"de"}\n' * 2

    meaning = userctl.json("segment", "explain", "--segment", "new-gold", "--plan")
    assert meaning["fields"] == ["createdAt", "locale"]
    assert "now" not in meaning["means"]
    assert meaning["means"].endswith("and restricted = false")
    assert "users" in " ".join(meaning["plan"])
    shown = userctl("segment", "explain", GOLD)
    assert "restricted users  left out" in shown.out

    assert userctl("segment", "delete", "new-gold").code == 64
    assert userctl("segment", "delete", "new-gold", "--reason", "sent").out.startswith("new-gold is deleted.")
    assert userctl("segment", "count", "--segment", "new-gold").error.split(":")[1].strip() == "segment_not_found"
    assert userctl("segment", "count").code == 64
    told = [entry["action"] for entry in userctl.json("audit", "show")["items"]]
    assert {"SegmentSaved", "SegmentDeleted", "UsersCounted"} <= set(told)


def test_the_fields_are_listed_without_a_database(alone: Userctl) -> None:
    items = {one["field"]: one for one in alone.json("segment", "fields")["items"]}

    assert items["status"]["words"] == ["ACTIVE", "DEACTIVATED"]
    assert items["loyalty.lifetime"]["operators"] == ["=", "!=", "<", "<=", ">", ">=", "in", "exists"]
    assert "orders.total.CURRENCY" in alone("segment", "fields").out


def test_every_userctl_command_on_the_page_is_one(userctl: Userctl) -> None:
    assert userctl("topics", "register", "news", "--title", "News", "--wording-version", "1").code == 0
    assert (
        userctl("consents", "purposes", "register", "research", "--title", "Research", "--wording-version", "1").code
        == 0
    )
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("userctl ")]
    assert len(lines) >= 9

    for line in lines:
        done = userctl(*shlex.split(line)[1:])
        assert (done.code, done.err) == (0, ""), (line, done.err)
