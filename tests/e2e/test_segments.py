"""Segments on running copies and real servers: the same users by list, count and export, by HTTP and userctl."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.cli.userctl import COMMAND, plain_environ
from tests.e2e.harness.copies import Copy
from tests.e2e.harness.people import create
from tests.e2e.harness.rows import rows
from usercore.kernel.ids import UserId

ADMIN = "users:admin"
CITY = "Segmentia"
"""Nobody else here lives there."""


async def userctl(copy: Copy, folder: Path, *arguments: str) -> str:
    """Run userctl beside a copy, and give its standard output."""

    def run() -> str:
        environ = plain_environ() | copy.world.environ()
        done = subprocess.run(
            [*COMMAND, *arguments], env=environ, cwd=folder, capture_output=True, timeout=60, check=True
        )
        return done.stdout.decode()

    return await asyncio.to_thread(run)


async def restrict(copy: Copy, user_id: str) -> None:
    """Have the use of a user's data restricted."""
    async with copy.client("privacy:manage") as privacy:
        asked = await privacy.post(f"/v1/users/{user_id}/privacy-requests", {"kind": "RESTRICTION"})
        assert asked.status == 201, asked.body
        path = f"/v1/privacy-requests/{asked.json()['id']}"
        await privacy.post(f"{path}/verify-identity", {"note": "known"})
        done = await privacy.post(f"{path}/run", {})
        assert done.status == 200, done.body


async def test_a_segment_has_the_same_users_by_list_count_and_export_over_http_and_at_a_terminal(
    pair: tuple[Copy, Copy], tmp_path: Path
) -> None:
    first, second = pair
    async with first.client() as writing, first.client(ADMIN) as admin, second.client("users:read") as reading:
        users = [
            await create(writing, address={"city": CITY}, locale="de" if number < 4 else "en") for number in range(5)
        ]
        wanted = [UserId(user["id"]) for user in users[:3]]
        await restrict(first, users[3]["id"])
        segment = {"name": "segmentia-gold", "filter": f"address.city = '{CITY.upper()}' and locale = 'de'"}
        saved = await admin.post("/v1/segments", segment)
        assert (saved.status, saved.headers["location"]) == (201, "/v1/segments/segmentia-gold"), saved.body

        asked = {"segment": "segmentia-gold", "sort": "createdAt", "limit": "2"}
        page = (await reading.get(f"/v1/users?{urlencode(asked)}")).json()
        rest = (await reading.get(f"/v1/users?{urlencode({**asked, 'cursor': page['nextCursor']})}")).json()
        by_filter = await reading.get(f"/v1/users?{urlencode({'filter': segment['filter'], 'sort': 'createdAt'})}")
        counted = (await reading.get("/v1/segments/count?segment=segmentia-gold")).json()
        posted = (
            await reading.post("/v1/segments/count", {"filter": f"{segment['filter']} and restricted = true"})
        ).json()

    listed: list[dict[str, Any]] = page["items"] + rest["items"]
    assert [user["id"] for user in listed] == wanted
    assert (rest["nextCursor"], by_filter.json()["items"]) == (None, listed)
    assert (counted["users"], counted["exact"], counted["filter"]) == (3, True, saved.json()["filter"])
    assert (posted["users"], posted["restricted"]) == (1, True)
    chosen = ("--segment", "segmentia-gold", "--in-order", "--reason", "e2e")
    exported = await userctl(second, tmp_path, "export", "-", *chosen)
    assert [json.loads(line)["id"] for line in exported.splitlines()] == wanted


async def test_every_curl_on_the_page_is_answered(pair: tuple[Copy, Copy]) -> None:
    copy, _ = pair
    topic = "INSERT INTO email_topics VALUES ('news', 'News', '', false, false, '1', now()) ON CONFLICT DO NOTHING"
    await rows(copy.world.database_url, topic)
    page = (Path(__file__).parents[2] / "docs" / "segments.md").read_text(encoding="utf-8")
    lines = re.findall(r"^curl .*$", page, re.MULTILINE)
    assert len(lines) >= 3
    token = copy.world.signer.token("users:read")
    environ = {
        "api": f"http://127.0.0.1:{copy.port}",
        "auth": f"Authorization: Bearer {token}",
        "PATH": os.environ["PATH"],
    }

    def run(line: str) -> dict[str, Any]:
        command = ["bash", "-c", line.replace("curl", "curl -sS --fail-with-body", 1)]
        done = subprocess.run(command, env=environ, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    for line in lines:
        answer = await asyncio.to_thread(run, line)
        assert {"items", "users"} & set(answer), line
