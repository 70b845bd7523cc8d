"""`userctl user activity`: what a user did elsewhere, from a terminal."""

import asyncio
from datetime import timedelta

import pytest

from tests.builders import NOW, a_context
from tests.cli.userctl import Userctl
from tests.facts import euros, failure, order, points, success
from usercore.activity.facts import Fact
from usercore.activity.values import FactKind, FactResult
from usercore.codec.scalars import timestamp
from usercore.kernel.ids import UserId
from usercore.settings import CoreSettings, load
from usercore.wiring.service import open_core

HOUR = timedelta(hours=1)
HOSTILE = "\x1b[2Jgone\u202e"


def told(userctl: Userctl, *facts: Fact) -> None:
    """Tell the service of facts, as the stream processor does."""

    async def tell() -> None:
        async with open_core(load(CoreSettings, userctl.environ)) as service:
            outcomes = await service.core.record_facts.many(facts, [a_context()] * len(facts))
            assert {outcome.result for outcome in outcomes} == {FactResult.RECORDED}

    asyncio.run(tell())


def a_customer(userctl: Userctl, email: str) -> str:
    flags = ("--email", email, "--first-name", "Grace", "--last-name", "Hopper")
    ident = str(userctl.json("user", "create", *flags)["id"])
    told(
        userctl,
        order(f"o1-{email}", UserId(ident), euros("59.90"), items=3, at=NOW),
        failure(f"p1-{email}", f"o1-{email}", code=HOSTILE, amount=euros("59.90"), at=NOW + HOUR),
        success(f"p1-{email}", at=NOW + 2 * HOUR),
        points(f"t1-{email}", UserId(ident), 1500, reason="ORDER", at=NOW + 3 * HOUR),
    )
    return ident


NEWEST = [FactKind.POINTS_EARNED, FactKind.PAYMENT_SUCCEEDED, FactKind.PAYMENT_FAILED, FactKind.ORDER_PLACED]


def test_programs_get_facts_and_summary_page_by_page_or_whole(userctl: Userctl) -> None:
    ident = a_customer(userctl, "json@example.com")
    command = ("user", "activity")

    page = userctl.json(*command, ident, "--limit", "3")
    rest = userctl.json(*command, "--email", "JSON@example.com", "--cursor", page["nextCursor"])

    assert [one["kind"] for one in page["items"] + rest["items"]] == NEWEST
    assert rest["nextCursor"] is None
    assert page["summary"] == rest["summary"]
    assert page["summary"]["orders"]["totals"] == [{"value": "59.9", "currency": "EUR"}]
    assert page["summary"]["payments"]["standing"] == "GOOD"
    assert page["summary"]["loyalty"]["tier"] == "SILVER"
    whole = userctl.json(*command, ident, "--all")
    assert whole == rest | {"items": page["items"] + rest["items"]}
    some = userctl.json(*command, ident, "--kind", "order_placed", "--kind", "PAYMENT_FAILED", "--all")
    assert [one["kind"] for one in some["items"]] == NEWEST[2:]
    empty = userctl.json(*command, userctl.json("user", "create", *_another())["id"], "--all")
    assert (empty["items"], empty["summary"]["orders"]["count"]) == ([], 0)


def _another() -> tuple[str, ...]:
    return "--email", "nothing@example.com", "--first-name", "No", "--last-name", "Body"


def test_tiers_are_those_of_the_settings(userctl: Userctl) -> None:
    ident = a_customer(userctl, "tiers@example.com")

    shown = userctl.json("user", "activity", ident, USER_SERVICE_LOYALTY_TIERS="NEW:0,OLD:1501,OLDEST:9000")

    assert shown["summary"]["loyalty"] == {
        "balance": 1500,
        "lifetime": 1500,
        "tier": "NEW",
        "nextTier": "OLD",
        "pointsToNextTier": 1,
    }


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_people_get_a_table_that_cannot_steer_their_terminal_and_the_sums(
    userctl: Userctl, more: tuple[str, ...]
) -> None:
    email = f"table{len(more)}@example.com"
    ident = a_customer(userctl, email)

    shown = userctl("user", "activity", ident, *more)

    assert (shown.code, shown.err) == (0, "")
    assert not set(shown.out) & set(HOSTILE) - set("[2Jgone")
    heading, *rows = [line.split() for line in shown.out.splitlines()]
    assert heading == ["AT", "FACT", "ID", "ORDER", "AMOUNT", "DETAIL", "TOLD", "BY"]
    at = timestamp(NOW).partition(".")[0] + "Z"
    assert rows[3] == [at, "ORDER_PLACED", f"o1-{email}", f"o1-{email}", "59.9", "EUR", "3", "items", "OPERATOR:ada"]
    assert rows[2][-2:] == ["[2Jgone", "OPERATOR:ada"]
    assert rows[0][2:] == [f"t1-{email}", "—", "—", "1500", "points:", "ORDER", "OPERATOR:ada"]
    sums = {row[0]: " ".join(row[1:]) for row in rows[4:]}
    assert sums["orders.totals"] == "59.9 EUR"
    assert (sums["payments.standing"], sums["payments.recovered"]) == ("GOOD", "1")
    assert (sums["loyalty.tier"], sums["loyalty.pointsToNextTier"]) == ("SILVER", "3500")


def test_wrong_words_are_refused_in_one_line_that_does_not_repeat_them(userctl: Userctl) -> None:
    ident = a_customer(userctl, "wrong@example.com")

    assert "--kind is one of ORDER_PLACED, " in userctl("user", "activity", ident, "--kind", "canary").error
    for wrong in (("--kind", "canary"), ("--cursor", "canary"), ("--limit", "501"), ("--all", "--cursor", "canary")):
        done = userctl("user", "activity", ident, *wrong)
        assert done.code in {64, 65}
        assert "canary" not in done.error
    absent = userctl("user", "activity", "0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11")
    assert (absent.code, absent.error) == (67, "userctl: user_not_found: There is no such user")
