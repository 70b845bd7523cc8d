"""Many callers want the same at once, from two copies: one of them gets it, and the others hear why not."""

import asyncio
import random
from collections import Counter
from itertools import product

from tests.e2e.harness.copies import Copy
from tests.e2e.harness.people import create, new_user
from tests.e2e.harness.rows import rows, trails, versions

PATCHES = 50
CREATES = 300

CANONICAL = "grace.hopper@xn--bcher-kva.example"
LOCAL_PARTS = ("grace.hopper", "Grace.Hopper", "GRACE.HOPPER", "gRACE.hOPPER")
# One domain: any case, as A-label, decomposed, with a full-width letter and with an ideographic full stop.
DOMAINS = (
    "b\u00fccher.example",
    "B\u00dcCHER.example",
    "xn--bcher-kva.example",
    "XN--BCHER-KVA.EXAMPLE",
    "bu\u0308cher.example",
    "\uff42\u00fccher.EXAMPLE",
    "b\u00fccher\u3002example",
)


async def test_of_50_concurrent_patches_of_one_version_one_takes_effect(pair: tuple[Copy, Copy]) -> None:
    async with pair[0].client() as first, pair[1].client() as second:
        user = await create(first)
        path = f"/v1/users/{user['id']}"
        answers = await asyncio.gather(
            *((first, second)[n % 2].patch(path, {"lastName": f"Writer{n}"}, '"1"') for n in range(PATCHES))
        )
        now = await second.get(path)
    assert Counter(answer.status for answer in answers) == {200: 1, 412: PATCHES - 1}
    [winner] = [answer for answer in answers if answer.status == 200]
    assert (now.body, now.version) == (winner.body, 2)
    assert {answer.json()["code"] for answer in answers if answer.status == 412} == {"stale_version"}
    assert await versions(pair[0].world.database_url, user["id"]) == {
        "outbox": [1, 2],
        "user_history": [1, 2],
        "audit_entries": [1, 2],
    }


async def test_of_300_concurrent_creates_with_one_email_in_all_its_spellings_one_succeeds(
    pair: tuple[Copy, Copy],
) -> None:
    spellings = [f"{local}@{domain}" for local, domain in product(LOCAL_PARTS, DOMAINS)]
    order = random.Random(9)
    bodies = [new_user(email=order.choice(spellings)) for _ in range(CREATES)]
    database = pair[0].world.database_url
    before = await trails(database)
    async with pair[0].client() as first, pair[1].client() as second:
        answers = await asyncio.gather(
            *((first, second)[n % 2].post("/v1/users", body) for n, body in enumerate(bodies))
        )
    assert Counter(answer.status for answer in answers) == {201: 1, 409: CREATES - 1}
    assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"email_taken"}
    assert await trails(database) == {table: rows_before + 1 for table, rows_before in before.items()}
    [winner] = [answer.json() for answer in answers if answer.status == 201]
    assert await rows(database, "SELECT id::text, email FROM users WHERE email_canonical = %s", CANONICAL) == [
        (winner["id"], winner["email"])
    ]
