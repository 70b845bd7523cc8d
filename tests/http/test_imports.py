"""Imports over HTTP: a file is taken, worked off in the background by whichever copy is free, and told of by line."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import evolve

from tests.builders import SetClock, a_context
from tests.http.api import Api, a_core, serving
from tests.http.tokens import bearer
from usercore.bulk.imports.work_off_uploads import SILENT_FOR
from usercore.wiring.core import assemble

ADMIN = bearer("users:admin")
NDJSON = {**ADMIN, "Content-Type": "application/x-ndjson"}


def rows(*numbers: int, **more: Any) -> bytes:
    people = [{"email": f"u{one}@example.com", "firstName": "Ada", "lastName": "L", **more} for one in numbers]
    return b"".join(json.dumps(one).encode() + b"\n" for one in people)


async def test_a_file_is_taken_and_its_rows_are_imported_in_the_background(api: Api) -> None:
    body = rows(1, 2) + b"{broken\n" + rows(2)

    begun = await api.client.post("/v1/imports", content=body, headers=NDJSON)
    again = await api.client.post("/v1/imports", content=body, headers=NDJSON)

    assert begun.status_code == 202, begun.text
    assert begun.json() == again.json()
    assert (begun.json()["state"], begun.json()["counts"]["rows"]) == ("RUNNING", 0)
    assert await api.core.work_off_uploads() == 1
    assert await api.core.work_off_uploads() == 0
    found = await api.client.get(begun.headers["location"], headers=ADMIN)
    done = found.json()
    assert (done["state"], done["counts"]["created"], done["counts"]["failed"]) == ("COMPLETED", 2, 2)
    errors = await api.client.get(begun.headers["location"] + "/errors?limit=1", headers=ADMIN)
    assert errors.json()["items"][0] == {**errors.json()["items"][0], "line": 3, "code": "not_json", "pointer": ""}
    cursor = errors.json()["nextCursor"]
    assert f"cursor={cursor}" in errors.headers["link"]
    rest = await api.client.get(begun.headers["location"] + f"/errors?cursor={cursor}", headers=ADMIN)
    assert [one["code"] for one in rest.json()["items"]] == ["email_taken"]
    listed = await api.client.get("/v1/imports", headers=ADMIN)
    assert listed.json()["items"] == [done]
    assert not api.core.ports.uploads.database.uploads  # type: ignore[attr-defined]


async def test_csv_is_upserted_by_external_id_and_what_is_no_csv_fails_as_a_whole(api: Api) -> None:
    await api.create(externalId="crm-1", email="old@example.com")
    good = b"externalId,email,firstName,lastName\ncrm-1,new@example.com,Grace,H\n"
    headers = {**ADMIN, "Content-Type": "text/csv; charset=utf-8"}

    one = await api.client.post(
        "/v1/imports?mode=upsert&by=external-id&quietEvents=true", content=good, headers=headers
    )
    two = await api.client.post("/v1/imports", content=b"email,colour\na,b\n", headers=headers)
    assert [await api.core.work_off_uploads() for _ in range(3)] == [1, 1, 0]

    states = [(await api.client.get(one.headers["location"], headers=ADMIN)).json() for one in (one, two)]
    assert [(one["state"], one["trouble"]) for one in states] == [
        ("COMPLETED", None),
        ("FAILED", "import_unreadable"),
    ]
    assert states[0]["counts"]["updated"] == 1


async def test_what_is_no_import_is_refused_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path, import_limit_bytes=1024) as api:
        post = api.client.post
        answers = [
            await post("/v1/imports", content=b"x" * 2000, headers=NDJSON),
            await post("/v1/imports", content=b"", headers={**ADMIN, "Content-Type": "application/json"}),
            await post("/v1/imports?mode=replace", content=b"", headers=NDJSON),
            await post("/v1/imports", content=rows(1), headers={**bearer("users:write"), "Content-Type": "text/csv"}),
            await api.client.get("/v1/imports/none", headers=ADMIN),
        ]
        codes = [(one.status_code, one.json()["code"]) for one in answers]
        kept = api.core.ports.uploads.database  # type: ignore[attr-defined]
    assert codes == [
        (413, "body_too_large"),
        (415, "content_type_unsupported"),
        (400, "query_malformed"),
        (403, "scope_insufficient"),
        (404, "import_not_found"),
    ]
    assert (kept.uploads, kept.imports) == ({}, {})


async def test_an_import_whose_copy_died_is_taken_over_once_it_is_silent_and_can_be_cancelled(tmp_path: Path) -> None:
    clock = SetClock()
    core = a_core(clock=clock)
    async with serving(tmp_path, core=core) as api:
        begun = await api.client.post("/v1/imports", content=rows(1, 2, 3), headers=NDJSON)
        other = await api.client.post("/v1/imports", content=rows(4), headers=NDJSON)
        cancelled = await api.client.post(other.headers["location"] + "/cancel", headers=ADMIN)
        # A copy takes it, imports a row, and dies.
        taken = await core.ports.uploads.take(now=clock.now(), silent_since=clock.now() - SILENT_FOR)
        assert taken is not None
        reader = core.work_off_uploads.open_rows(taken.options.format, 0, 1)
        [first] = reader.feed(rows(1))
        await core.import_batch(taken, [first], a_context())
        copy = assemble(evolve(core.ports, clock=clock))

        assert await copy.work_off_uploads() == 0
        clock.time += SILENT_FOR + timedelta(seconds=1)
        assert await copy.work_off_uploads() == 1

        done = (await api.client.get(begun.headers["location"], headers=ADMIN)).json()
    assert (done["state"], done["counts"]["created"], done["counts"]["failed"]) == ("COMPLETED", 3, 0)
    assert cancelled.json()["state"] == "CANCELLED"
