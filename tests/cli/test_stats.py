"""`userctl stats`: numbers as bars for people, and as JSON for programs."""

from tests.cli.userctl import Userctl


def test_numbers_are_shown_as_bars_that_fit_a_narrow_pipe_and_steer_no_terminal(userctl: Userctl) -> None:
    for name in ("ada", "grace"):
        userctl.json(
            "user",
            "create",
            "-",
            stdin=f'{{"email": "{name}@example.com", "firstName": "A", "lastName": "B", "locale": "de"}}',
        )

    document = userctl.json("stats", "--by", "month", "--last", "2")
    shown = userctl("stats", "--by", "month", "--last", "2")

    assert document["status"] == {"ACTIVE": 2, "DEACTIVATED": 0, "MERGED": 0, "ERASED": 0}
    assert document["locales"] == [{"name": "de", "users": 2}]
    assert [one["users"] for one in document["growth"]["created"]] == [0, 2]
    assert (document["estimated"], document["loyaltyTiers"][0]) == (False, {"name": "BRONZE", "users": 2})
    assert shown.code == 0
    assert shown.out.startswith("2 users at ")
    [active] = [line for line in shown.out.splitlines() if line.startswith("ACTIVE")]
    assert active.split()[:4] == ["ACTIVE", "2", "100.0", "%"]
    assert "█" * 30 in active
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "\x1b" not in shown.out
    assert userctl("stats", "--exact", "--estimate").code == 64
