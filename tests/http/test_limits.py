"""Each caller's requests are counted, told of, and refused beyond the quota, on the lane and on the router alike."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define, field

from tests.http.api import Api, a_core, always_ready, serving
from tests.http.problems import problem_of
from tests.http.test_access import ABSENT, EXPECTED, request_of
from tests.http.tokens import bearer, key_file, token
from user_http.access import PUBLIC, RULES
from user_http.app import build_app
from user_http.edge import Lifecycle
from user_http.limits import ANONYMOUS, FINDING, NAMING, SENSITIVE, UNLIMITED, policy_of
from user_http.routes import ROUTES
from usercore.kernel.limits import LimitPolicy, Quota, Verdict
from usercore.kernel.tracing import Tracer
from usercore.observe.metrics import Metrics
from usercore.settings.serving import AuthSettings, HttpSettings, LimitSettings, ServingSettings
from usercore.wiring.core import Core

NAMES = {"reads", "writes", "lookups", "sensitive", "anonymous"}
LIMIT = re.compile(r'"([a-z]+)";r=([0-9]+);t=([0-9]+)')


@asynccontextmanager
async def limited(
    folder: Path,
    *,
    core: Core | None = None,
    client: tuple[str, int] = ("192.0.2.7", 1),
    tracer: Tracer | None = None,
    **limits: Any,
) -> AsyncIterator[Api]:
    """Serve with quotas of these settings."""
    core, metrics, lifecycle = core or a_core(), Metrics(), Lifecycle()
    auth = AuthSettings(key_file=key_file(folder))
    settings = ServingSettings(HttpSettings(), auth, LimitSettings(**limits))
    app = build_app(core, settings, metrics, readiness=always_ready, lifecycle=lifecycle, tracer=tracer)
    transport = httpx.ASGITransport(app, client=client)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://users", headers=bearer()) as one:
        yield Api(core, app, one, metrics, lifecycle)


def left(response: httpx.Response) -> tuple[str, int]:
    """Give the name of the quota that an answer tells of, and what is left of it."""
    found = LIMIT.fullmatch(response.headers["ratelimit"])
    assert found, response.headers["ratelimit"]
    return found[1], int(found[2])


@pytest.mark.parametrize("path", [f"/v1/users/{ABSENT}", f"/v1/users/{ABSENT}/history"])
async def test_beyond_the_quota_a_caller_is_refused_and_told_when_to_come_again(tmp_path: Path, path: str) -> None:
    async with limited(tmp_path, reads=Quota(3, 3600)) as api:
        served = [await api.client.get(path) for _ in range(3)]
        assert [left(one) for one in served] == [("reads", 2), ("reads", 1), ("reads", 0)]
        assert {one.headers["ratelimit-policy"] for one in served} == {'"reads";q=3;w=3600'}
        refused = await api.client.get(path)
        problem_of(refused, 429, "rate_limited")
        assert 1190 <= int(refused.headers["retry-after"]) <= 1200
        assert LIMIT.fullmatch(refused.headers["ratelimit"])
        assert left(refused) == ("reads", 0)
        assert b'user_service_rate_limit_refusals_total{policy="reads"} 1.0' in api.metrics.scrape()


async def test_a_refused_request_has_no_effect(tmp_path: Path) -> None:
    async with limited(tmp_path, writes=Quota(1, 3600)) as api:
        user = await api.create()
        before = api.footprint()
        path = f"/v1/users/{user['id']}"
        change: dict[str, Any] = {"json": {"firstName": "Ada"}, "headers": {"If-Match": "*"}}
        problem_of(await api.client.patch(path, **change), 429, "rate_limited")
        problem_of(await api.client.post(f"{path}/deactivate"), 429, "rate_limited")
        assert api.footprint() == before
        assert (await api.client.get(path)).json() == user


async def test_callers_are_told_apart_by_subject_and_client(tmp_path: Path) -> None:
    async with limited(tmp_path, reads=Quota(1, 3600)) as api:
        callers: list[dict[str, Any]] = [
            {"sub": "shop"},
            {"sub": "bank"},
            {"sub": "shop", "azp": "app"},
            {"sub": "shop", "client_id": "web"},
        ]
        for expected in (404, 429):
            for caller in callers:
                headers = {"authorization": f"Bearer {token('users:read', **caller)}"}
                assert (await api.client.get(f"/v1/users/{ABSENT}", headers=headers)).status_code == expected
        fresh = {"authorization": f"Bearer {token('users:read users:write', sub='shop', jti='another')}"}
        problem_of(await api.client.get(f"/v1/users/{ABSENT}", headers=fresh), 429, "rate_limited")


async def test_reads_and_writes_have_quotas_of_their_own(tmp_path: Path) -> None:
    async with limited(tmp_path, reads=Quota(1, 3600), writes=Quota(2, 3600)) as api:
        user = await api.create()
        assert left(await api.client.get(f"/v1/users/{user['id']}")) == ("reads", 0)
        assert left(await api.client.post(f"/v1/users/{user['id']}/deactivate")) == ("writes", 0)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/users/get?email=a@example.com", "lookups"),
        ("/v1/users/get?username=a", "lookups"),
        (f"/v1/users/get?id={ABSENT}", "reads"),
        ("/v1/users?email=a@example.com", "lookups"),
        ("/v1/users?limit=1&username=a", "lookups"),
        ("/v1/users?limit=1", "reads"),
        (f"/v1/users/{ABSENT}?email=x", "reads"),
    ],
)
async def test_who_looks_for_a_user_by_name_is_counted_apart(tmp_path: Path, path: str, name: str) -> None:
    async with limited(tmp_path) as api:
        assert left(await api.client.get(path))[0] == name


@pytest.mark.parametrize("operation", EXPECTED)
async def test_every_answer_with_a_token_tells_of_the_quota_whatever_it_is(tmp_path: Path, operation: str) -> None:
    async with limited(tmp_path) as api:
        user = await api.create()
        for scope in ("", "users:read users:write users:admin audit:read privacy:manage"):
            for headers in ({}, {"If-Match": "*"}, {"If-Match": "nonsense"}):
                asked = request_of(operation, user["id"])
                response = await api.client.request(**asked, headers=headers | bearer(scope))
                name, _ = left(response)
                assert response.headers["ratelimit-policy"].startswith(f'"{name}";q=')


async def test_who_proves_nothing_is_counted_by_the_address(tmp_path: Path) -> None:
    core = a_core()
    async with limited(tmp_path, core=core, anonymous=Quota(3, 3600)) as api:
        path = f"/v1/users/{ABSENT}"
        api.client.headers.pop("authorization")
        for headers in ({}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic YTpi"}):
            assert (await api.client.get(path, headers=headers)).status_code == 401
        problem_of(await api.client.get(path), 429, "rate_limited")
        problem_of(await api.client.get("/openapi.json"), 429, "rate_limited")
        assert (await api.client.get(path, headers=bearer())).status_code == 404
    async with limited(tmp_path, core=core, client=("192.0.2.8", 1), anonymous=Quota(3, 3600)) as api:
        assert left(await api.client.get("/openapi.json")) == ("anonymous", 2)


async def test_the_addresses_of_one_ipv6_site_are_counted_together(tmp_path: Path) -> None:
    core = a_core()
    for address, rest in (("2001:db8:1:2::1", 2), ("2001:db8:1:2:ffff::9", 1), ("2001:db8:1:3::1", 2)):
        async with limited(tmp_path, core=core, client=(address, 1), anonymous=Quota(3, 3600)) as api:
            assert left(await api.client.get("/openapi.json")) == ("anonymous", rest)


async def test_a_forwarded_address_is_not_believed_by_itself(tmp_path: Path) -> None:
    async with limited(tmp_path, anonymous=Quota(1, 3600)) as api:
        assert (await api.client.get("/docs", headers={"X-Forwarded-For": "198.51.100.1"})).status_code == 200
        again = await api.client.get("/docs", headers={"X-Forwarded-For": "198.51.100.2", "Forwarded": "for=9.9.9.9"})
        problem_of(again, 429, "rate_limited")


async def test_probes_and_scrapes_are_never_refused(tmp_path: Path) -> None:
    async with limited(tmp_path, anonymous=Quota(1, 3600)) as api:
        for path in ("/health/live", "/health/ready", "/metrics") * 3:
            response = await api.client.get(path)
            assert response.status_code == 200
            assert "ratelimit" not in response.headers


@pytest.mark.parametrize("off", [{"enabled": False}, {"reads": None}])
async def test_what_is_switched_off_is_not_counted(tmp_path: Path, off: dict[str, Any]) -> None:
    async with limited(tmp_path, **({"reads": Quota(1, 3600)} | off)) as api:
        for _ in range(3):
            response = await api.client.get(f"/v1/users/{ABSENT}")
            assert response.status_code == 404
            assert "ratelimit" not in response.headers
            assert "ratelimit-policy" not in response.headers


@define
class Asking:
    """A limiter that never knows, and says what it is told to say."""

    verdict: Verdict
    asked: list[tuple[str, str]] = field(factory=list)

    def at_once(self, policy: LimitPolicy, caller: str) -> Verdict | None:  # noqa: ARG002 -- the port
        return None

    async def admit(self, policy: LimitPolicy, caller: str) -> Verdict:
        self.asked.append((policy.name, caller))
        return self.verdict


@pytest.mark.parametrize("read_lane", [True, False])
async def test_where_it_is_not_known_at_once_the_limiter_is_asked_once(tmp_path: Path, read_lane: bool) -> None:
    limiter = Asking(Verdict(admitted=True, remaining=7, reset_s=1.5))
    async with serving(tmp_path, core=a_core(limiter=limiter), read_lane=read_lane) as api:
        response = await api.client.get(f"/v1/users/{ABSENT}")
        assert response.headers["ratelimit"] == '"reads";r=7;t=2'
        assert limiter.asked == [("reads", "shop\n")]
        limiter.verdict = Verdict(admitted=False, remaining=0, reset_s=9.0, retry_s=2.5)
        refused = await api.client.get(f"/v1/users/{ABSENT}")
        problem_of(refused, 429, "rate_limited")
        assert (refused.headers["retry-after"], refused.headers["ratelimit"]) == ("3", '"reads";r=0;t=9')


def test_every_operation_has_a_quota_or_is_never_counted() -> None:
    ids = {route.id for route in ROUTES}
    assert ids >= UNLIMITED | FINDING | NAMING
    assert set(PUBLIC) >= UNLIMITED
    assert set(RULES) >= FINDING | NAMING
    by_id = {route.id: policy_of(route) for route in ROUTES}
    assert {name for name, policy in by_id.items() if policy is None} == UNLIMITED
    assert {name for name, policy in by_id.items() if policy == ANONYMOUS} == set(PUBLIC) - UNLIMITED
    assert set(by_id.values()) == NAMES | {None}
    sensitive = {name for name, policy in by_id.items() if policy == SENSITIVE}
    assert sensitive >= {"createPrivacyRequest", "cancelPrivacyRequest", "getPrivacyArchive"}


async def test_what_is_delicate_is_counted_for_each_user_that_it_is_about(tmp_path: Path) -> None:
    async with limited(tmp_path, sensitive=Quota(2, 3600)) as api:
        headers = bearer("privacy:manage")
        other = ABSENT.replace("0193", "0194")
        for user_id, status in ((ABSENT, 404), (ABSENT.upper(), 404), (ABSENT, 429), (other, 404)):
            response = await api.client.get(f"/v1/users/{user_id}/privacy-requests", headers=headers)
            assert response.status_code == status
            assert left(response)[0] == "sensitive"
