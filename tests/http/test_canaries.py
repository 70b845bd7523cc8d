"""A canary in every part of every operation's requests shows in no log line, metric or problem document."""

import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve, fields

from tests.http import canaries
from tests.http.api import Api, a_core
from tests.http.test_access import essence
from tests.http.test_limits import limited
from tests.http.test_personal_data import logs
from tests.http.tokens import EVERYTHING, bearer
from tests.traces import Recording, words
from user_http.access import RULES
from user_http.limits import UNLIMITED
from user_http.routes import ROUTES, UNMATCHED, Route
from user_http.tracing import UNTRACED
from usercore.delivery.values import Operation
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.limits import Quota
from usercore.observe.metrics import Metrics
from usercore.preferences.topics import RegisterTopicCommand
from usercore.privacy.mailing.tokens import Ticket, UnsubscribeTokens
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.verification.values import CODE_DIGITS, TOKEN_CHARS
from usercore.wiring.core import Ports, assemble
from usercore.wiring.observing import observe_core

__all__ = ["logs"]

MARK = "cnryq7f3"
ABSENT = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"
"""Nothing has this id; a hold by this name neither."""
NOWHERE = dict.fromkeys(("userId", "requestId", "verificationId", "mergeId", "importId", "mergedUserId"), ABSENT) | {
    "matter": "none",
    "token": "none",
    "name": "none",
}
SCHEMA: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
MANY = Quota(1_000_000, 60)
PARENTS = {"requestId": "privacy-requests", "verificationId": "verifications", "matter": "legal-holds"}
ELSEWHERE = {"confirmVerification", "confirmVerificationByLink", "getPrivacyArchive"}
ELSEWHERE |= {"runPrivacyRequest", "completePrivacyRequest"}
ELSEWHERE |= {"previewMerge", "mergeUsers", "previewUndoOfMerge", "undoMerge"}
"""Operations that serve only what another test here makes ready."""
FREE: dict[str, Any] = dict.fromkeys(("reads", "writes", "lookups", "sensitive", "anonymous"), MANY)


@pytest.fixture
def recording() -> Recording:
    """Every trace, recorded."""
    return Recording.begun()


@pytest.fixture
async def api(tmp_path: Path, recording: Recording) -> AsyncIterator[Api]:
    """An API whose quotas nobody reaches, and whose caller may do everything."""
    core = observe_core(a_core(), Metrics(), traces=True)
    async with limited(tmp_path, core=core, tracer=recording.tracer, **FREE) as one:
        one.client.headers.update(bearer(EVERYTHING, f"{MARK}|caller"))
        await one.core.register_topic(RegisterTopicCommand("news", "News", "1"))
        context = CommandContext(SYSTEM, correlation_id="preparation")
        await one.core.register_attribute_schema(RegisterAttributeSchemaCommand(SCHEMA), context)
        yield one


async def somebody(api: Api) -> dict[str, str]:
    """Give what the parameters of paths stand for, all of which exists."""
    user = (await api.create(phoneNumber="+4930123456"))["id"]
    own = f"/v1/users/{user}"
    gone, other = (await api.create())["id"], (await api.create())["id"]
    body = {"mergedUserId": gone, "reason": "the same person"}
    merge = await api.client.post(f"{own}/merges", json=body, headers={"If-Match": "*"})
    assert merge.status_code == 201, merge.text
    asked = await api.client.post(f"{own}/privacy-requests", json={"kind": "ACCESS"})
    verification = await api.client.post(f"{own}/verifications", json={"channel": "email"})
    held = await api.client.post(f"{own}/legal-holds", json={"matter": "case-1", "reason": "a claim"})
    assert (asked.status_code, verification.status_code, held.status_code) == (201, 201, 200)
    segment = {"name": "letter-of-march", "filter": "version >= 1"}
    assert (await api.client.post("/v1/segments", json=segment)).status_code == 201
    imported = await api.client.post("/v1/imports", content=b"", headers={"Content-Type": "application/x-ndjson"})
    assert imported.status_code == 202, imported.text
    token = await UnsubscribeTokens(api.core.ports.keyed).write(Ticket(UserId(user), "news"))
    return {
        "userId": user,
        "requestId": asked.json()["id"],
        "verificationId": verification.json()["id"],
        "matter": "case-1",
        "mergeId": merge.json()["id"],
        "importId": imported.json()["id"],
        "mergedUserId": other,
        "token": token,
        "name": segment["name"],
    }


def shown(logs: io.StringIO) -> Iterator[dict[str, Any]]:
    for line in logs.getvalue().splitlines():
        yield json.loads(line)


def refuse_to_leak(response: httpx.Response, asked: canaries.Asked, *, but: int = 0) -> None:
    assert response.status_code < 500 or response.status_code == but, (asked, response.text)
    if response.status_code >= 400:
        assert MARK not in response.text.lower(), asked
        assert MARK not in str(response.headers).lower(), asked


def test_every_member_of_every_body_and_every_path_has_its_canary() -> None:
    """Whoever adds an operation plants canaries in its body, in `canaries.bodies`; the rest is read from the routes."""
    assert canaries.routes_without_canaries(MARK, NOWHERE) == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
async def test_no_canary_in_any_request_shows(api: Api, route: Route, logs: io.StringIO, recording: Recording) -> None:
    everybody = [NOWHERE, await somebody(api)]
    statuses: Counter[int] = Counter()
    for ids in everybody:
        for asked in canaries.requests(route, MARK, ids):
            response = await api.client.request(**asked)
            refuse_to_leak(response, asked)
            statuses[response.status_code] += 1
    assert sum(statuses.values()) > 20
    assert any(status < 400 for status in statuses) or route.id in ELSEWHERE, "what is valid has its canaries too"
    text, metrics = logs.getvalue(), (await api.client.get("/metrics")).text
    spans = recording.text().lower()
    assert (f'"{route.path.lower()}"' in spans) is (route.path not in UNTRACED)
    for trace in (MARK, *(value for ids in everybody for name, value in ids.items() if name != "matter")):
        if trace != "none":
            assert trace not in text.lower(), trace
            assert trace not in metrics.lower(), trace
            assert trace not in spans, trace
    lines = [line for line in shown(logs) if line["event"] == "request"]
    told = Counter(line["route"] for line in lines if line["route"] in {route.path, UNMATCHED})
    # A canary in place of an id may make another path of it; all else is told by the template.
    assert told[route.path] > told[UNMATCHED]
    assert f'route="{route.path}"' in metrics


async def test_who_may_nothing_is_told_of_others_what_is_told_of_nobody(api: Api, logs: io.StringIO) -> None:
    ids, own = await somebody(api), bearer("", f"{MARK}@{MARK}.example") | {"X-Request-Id": "same"}
    for route in ROUTES:
        if route.id not in RULES:
            continue
        answers = []
        for subject in (ids["userId"], ABSENT):
            foreign = {**ids, "userId": subject}
            body = {"json": canaries.bodies(MARK, foreign)[route.id][0]} if canaries.members(route) else {}
            answers.append(await api.client.request(**canaries.request(route, foreign, headers=own, **body)))
            refuse_to_leak(answers[-1], {})
        assert {one.status_code for one in answers} <= {403, 404}, route.id
        assert essence(answers[0]) == essence(answers[1]), route.id
    assert MARK not in logs.getvalue()


@pytest.mark.parametrize("name", ["requestId", "verificationId", "matter"])
async def test_what_belongs_to_another_answers_under_ones_own_id_as_what_there_is_not(api: Api, name: str) -> None:
    ids, other = await somebody(api), await somebody(api)
    own = bearer("privacy:manage" if name == "matter" else "", ids["userId"]) | {"X-Request-Id": "same"}
    await api.client.post(f"/v1/users/{other['userId']}/legal-holds", json={"matter": "other", "reason": "another"})
    foreign, routes = (
        {**other, "matter": "other"},
        [one for one in ROUTES if f"{{userId}}/{PARENTS[name]}/" in one.path],
    )
    for route in routes:
        body = {"json": canaries.bodies(MARK, ids)[route.id][0]} if canaries.members(route) else {}
        answers = [
            await api.client.request(**canaries.request(route, {**ids, name: value}, headers=own, **body))
            for value in (foreign[name], NOWHERE[name])
        ]
        assert answers[0].status_code in {404, 422}, (route.id, answers[0].text)
        assert essence(answers[0]) == essence(answers[1]), route.id
    assert routes


@pytest.mark.parametrize("route", [one for one in ROUTES if one.id not in UNLIMITED], ids=lambda route: route.id)
async def test_beyond_the_quota_only_the_quota_is_named(tmp_path: Path, route: Route, logs: io.StringIO) -> None:
    tight: dict[str, Any] = dict.fromkeys(FREE, Quota(1, 3600))
    async with limited(tmp_path, **tight) as api:
        api.client.headers.update(bearer(EVERYTHING, f"{MARK}|caller"))
        ids = dict.fromkeys(NOWHERE, token_or_id := ABSENT)
        refused = 0
        for _ in range(3):
            for name in (*canaries.parameters(route, "query"), MARK):
                asked = canaries.request(route, ids, params={name: MARK}, headers={"Forwarded": f"for={MARK}"})
                response = await api.client.request(**asked)
                refuse_to_leak(response, asked)
                refused += response.status_code == 429
        metrics = (await api.client.get("/metrics")).text
    assert refused
    assert "user_service_rate_limit_refusals_total{" in metrics
    for text in (metrics, logs.getvalue()):
        assert MARK not in text
        assert token_or_id not in text


def proofs(api: Api) -> Iterator[str]:
    """Give every code and every token that is on its way to somebody."""
    for row in api.database.deliveries.values():
        if row.delivery.operation is Operation.SEND_VERIFICATION and row.delivery.secret is not None:
            yield from json.loads(row.delivery.secret.reveal()).values()


async def test_right_codes_and_links_show_no_more_than_wrong_ones(api: Api, logs: io.StringIO) -> None:
    ids, other = await somebody(api), await somebody(api)
    secrets = {*proofs(api), ids["token"], other["token"]}
    links = sorted(one for one in secrets if len(one) == TOKEN_CHARS)
    codes = sorted(one for one in secrets if len(one) == CODE_DIGITS)
    # A number of six digits stands in many a random one.
    named = {"X-Request-Id": "same"}
    statuses = set()
    for one in (ids, other):
        path = f"/v1/users/{one['userId']}/verifications/{one['verificationId']}/confirm"
        for proof in (*({"code": code} for code in codes), *({"token": link} for link in links)):
            for url in (path, "/v1/verifications/confirm"):
                response = await api.client.post(url, json=proof, headers=named)
                statuses.add(response.status_code)
                if response.status_code >= 400:
                    assert not [secret for secret in secrets if secret in response.text]
        for method, body in (("GET", None), ("POST", {"List-Unsubscribe": "One-Click"}), ("DELETE", None)):
            response = await api.client.request(method, f"/v1/unsubscribe/{one['token']}", data=body, headers=named)
            statuses.add(response.status_code)
            assert one["token"] not in str(response.headers)
    assert (len(codes), len(links)) >= (1, 1)
    assert statuses >= {200, 405, 422}
    told = [json.dumps({**line, "timestamp": "", "ms": 0}) for line in shown(logs) if line.get("request_id") == "same"]
    metrics = (await api.client.get("/metrics")).text
    assert len(told) > 10
    assert [line for line in told if any(secret in line for secret in secrets)] == []
    assert [secret for secret in (*links, ids["token"], other["token"]) if secret in metrics] == []


async def test_what_is_done_for_a_person_shows_nothing_of_them(
    api: Api, logs: io.StringIO, recording: Recording
) -> None:
    user = await api.create(email=f"{MARK}@example.com", lastName=f"{MARK} last")
    own = bearer("", user["id"])
    asked = await api.client.post(f"/v1/users/{user['id']}/privacy-requests", json={"kind": "PORTABILITY"}, headers=own)
    path = f"{asked.headers['location']}/archive"
    done = await api.client.post(f"/v1/privacy-requests/{asked.json()['id']}/run")
    assert done.json()["state"] == "COMPLETED"
    for more in ({}, {"Range": f"bytes={MARK}"}, {"Range": "bytes=0-9"}, {"Accept": f"application/{MARK}"}):
        response = await api.client.get(path, headers=own | more)
        refuse_to_leak(response, {"headers": more})
        assert MARK not in str(response.headers).lower()
    body = {"kind": "OBJECTION", "text": f"{MARK} objects"}
    objection = await api.client.post(f"/v1/users/{user['id']}/privacy-requests", json=body, headers=own)
    outcome = {"outcome": f"{MARK} done by hand"}
    complete = await api.client.post(f"/v1/privacy-requests/{objection.json()['id']}/complete", json=outcome)
    assert complete.status_code == 200, complete.text
    assert logs.getvalue().count('/archive"') == 4
    for trace in (MARK, user["id"], asked.json()["id"], objection.json()["id"]):
        assert trace not in logs.getvalue()
        assert trace not in recording.text()


async def test_merging_two_people_shows_nothing_of_them(api: Api, logs: io.StringIO, recording: Recording) -> None:
    own, other = (await api.create(lastName=f"{MARK} last"), await api.create(lastName=f"{MARK} other"))
    path, match = f"/v1/users/{own['id']}/merges", {"If-Match": "*"}
    body = {"mergedUserId": other["id"], "take": ["lastName"]}
    made = await api.client.post(path, json=body | {"reason": f"{MARK} twice"}, headers=match)
    undo = f"{path}/{made.json()['id']}/undo"
    previewed = await api.client.post(f"{undo}/preview")
    undone = await api.client.post(undo, json={"reason": f"{MARK} was another"}, headers=match)
    again = await api.client.post(f"{path}/preview", json=body)
    assert [one.status_code for one in (made, previewed, undone, again)] == [201, 200, 200, 200], undone.text
    assert "merge_users" in recording.names
    for trace in (MARK, own["id"], other["id"], made.json()["id"]):
        assert trace not in logs.getvalue()
        assert trace not in recording.text()


class Leaky:
    """Stands for any port, and fails with what it was asked in its text, as drivers do."""

    def __getattr__(self, name: str) -> Any:
        def fail(*arguments: object, **named: object) -> Any:
            message = f"{MARK}: cannot {name} {arguments} {named}"
            raise RuntimeError(message)

        return fail


ASKED = {"keyed", "users", "writer", "profiles", "directory", "history", "schemas", "validator", "emails", "hasher"}
ASKED |= {"topics", "preferences", "purposes", "consents", "privacy_requests", "holds", "archives", "suppressions"}
ASKED |= {"activity_reader", "proofs", "verification_writer", "verification_reader", "trail", "listings"}
ASKED |= {"audit_reader"}
"""What operations stand on: each of them was seen to fail. The others work where nobody waits for an answer."""
# Without these nobody is let in, or no time is known.
SPARED = {"clock", "ids", "limiter"}


@pytest.mark.parametrize("port", [one.name for one in fields(Ports) if one.name not in SPARED])
async def test_no_port_that_fails_with_what_it_was_asked_shows_it(
    api: Api, tmp_path: Path, port: str, logs: io.StringIO, recording: Recording
) -> None:
    ids = await somebody(api)
    broken: Any = {port: Leaky()}
    core = observe_core(assemble(evolve(api.core.ports, **broken)), Metrics(), traces=True)
    crashes = 0
    async with limited(tmp_path, core=core, tracer=recording.tracer, **FREE) as failing:
        failing.client.headers.update(bearer(EVERYTHING, f"{MARK}|caller"))
        for route in ROUTES:
            for body in canaries.bodies(MARK, ids).get(route.id, [None]):
                kind = "data" if route.id == "unsubscribe" else "json"
                asked = canaries.request(route, ids, **{kind: body})
                response = await failing.client.request(**asked)
                refuse_to_leak(response, asked, but=500)
                crashes += response.status_code == 500
        metrics = (await failing.client.get("/metrics")).text
    for trace in (MARK, ids["userId"], ids["requestId"], ids["verificationId"], ids["token"]):
        assert trace not in logs.getvalue()
        assert trace not in metrics
        assert trace not in recording.text()
    failures = {words(span).get("error.type") for span in recording.spans}
    assert (crashes > 0) is ("RuntimeError" in failures) is ("500" in failures)
    assert crashes or port not in ASKED
