"""The lane takes what is asked most of single users, leaves the rest to the router, and answers exactly as it."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.api import a_core, serving
from tests.http.states import erase
from tests.http.tokens import bearer
from user_http.exchange import SCOPE_KEY, Exchange
from user_http.lane import LANE_ROUTES, Lane
from user_http.pipeline import Operation

ID = "01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d"


@define
class Recorder:
    """Stands for the router, the pipeline and what it answers, and notes who was asked."""

    asked: list[str] = field(factory=list)

    async def __call__(self, *_: Any) -> None:
        self.asked.append("router")

    async def answer(self, operation: Any, *rest: Any) -> Any:
        self.asked.append(f"{operation.route.id} {rest[-1].get('userId', '')}".strip())
        return Silence()


class Silence:
    async def __call__(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("method", "path", "query", "taken"),
    [
        ("GET", f"/v1/users/{ID}", b"", "getUser"),
        ("GET", f"/v1/users/{ID.upper()}", b"", "getUser"),
        ("GET", f"/v1/users/{ID}/email-preferences", b"", "getEmailPreferences"),
        ("PATCH", f"/v1/users/{ID}", b"", "patchUser"),
        ("PATCH", f"/v1/users/{ID}/email-preferences", b"", "patchEmailPreferences"),
        ("POST", "/v1/users", b"", "createUser"),
        ("POST", "/v1/users", b"x=1", None),
        ("POST", "/v1/users/", b"", None),
        ("POST", f"/v1/users/{ID}/deactivate", b"", None),
        ("GET", f"/v1/usersx{ID}", b"", None),
        ("GET", f"/v1/users/{ID}", b"include=emailPreferences", None),
        ("GET", f"/v1/users/{ID}/activity", b"", None),
        ("GET", f"/v1/users/{ID}/", b"", None),
        ("GET", f"/v1/users/{ID}x", b"", None),
        ("GET", f"/v1/users/{ID}/history", b"", None),
        ("GET", f"/v1/users/{ID}/email-preferences/", b"", None),
        ("GET", f"/v1/users/{ID}/email-preferences/news", b"", None),
        ("GET", "/v1/users/get", b"", None),
        ("GET", "/v1/users/get-email-preferences", b"", None),
        ("GET", "/v1/users", b"", None),
        ("GET", "/v1/users/", b"", None),
        ("GET", "/health/live", b"", None),
        ("HEAD", f"/v1/users/{ID}", b"", None),
        ("POST", f"/v1/users/{ID}", b"", None),
        ("OPTIONS", f"/v1/users/{ID}", b"", None),
    ],
)
async def test_the_lane_takes_what_it_should_and_nothing_else(
    method: str, path: str, query: bytes, taken: str | None
) -> None:
    recorder: Any = Recorder()
    await _asked(recorder, method, path, query, [(b"host", b"users:8080")])
    assert recorder.asked == ["router" if taken is None else f"{taken} {path[10:46]}".strip()]


@pytest.mark.parametrize("hosts", [[b"a b"], [b"a/b"], [b""], [], [b"users", b"users"]])
async def test_the_router_judges_what_is_odd_about_the_host(hosts: list[bytes]) -> None:
    recorder: Any = Recorder()
    await _asked(recorder, "GET", f"/v1/users/{ID}", b"", [(b"host", host) for host in hosts])
    assert recorder.asked == ["router"]


async def _asked(recorder: Any, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    lane = Lane.over(recorder, recorder, [Operation(route, recorder) for route in LANE_ROUTES])
    scope: Any = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    scope[SCOPE_KEY] = Exchange(scope, recorder, closing=False)
    await lane(scope, recorder, recorder)


async def test_the_lane_stands_in_front_where_it_is_switched_on(tmp_path: Path) -> None:
    async with serving(tmp_path, read_lane=True) as with_lane, serving(tmp_path, read_lane=False) as without:
        assert isinstance(with_lane.app.inner, Lane)  # type: ignore[attr-defined]
        assert not isinstance(without.app.inner, Lane)  # type: ignore[attr-defined]


SEGMENTS = st.sampled_from(
    [
        ID,
        ID.upper(),
        ID[:-1],
        f"{ID}0",
        "get",
        "email-preferences",
        "history",
        "",
        "%00",
        "a%2Fb",
        "01932f6e-x",
        "%C3%A9",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(quote)
TAGS = st.sampled_from([None, '"1"', 'W/"1"', "*", '"2"', "nonsense"])
CALLERS = st.sampled_from(["users:read", "users:write", "", None])


@given(
    st.lists(SEGMENTS, max_size=3),
    TAGS,
    CALLERS,
    st.sampled_from(["GET", "PUT", "PATCH", "POST"]),
    st.sampled_from(["", "?", "?include=emailPreferences", "?x=1"]),
    st.sampled_from(["users", "users:80", "a b", "a/b"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_request_is_answered_the_same_with_the_lane_and_without(
    tmp_path_factory: pytest.TempPathFactory,
    segments: list[str],
    tag: str | None,
    scope: str | None,
    method: str,
    query: str,
    host: str,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = "/v1/users/" + "/".join(segments)
    headers = {"X-Request-Id": "same", "Host": host} | (bearer(scope, ID) if scope is not None else {})
    headers |= {} if tag is None else {"If-None-Match": tag}
    core = a_core()
    answers = []
    for read_lane in (True, False):
        async with serving(folder, core=core, read_lane=read_lane) as api:
            api.client.headers.pop("authorization")
            answers.append(await api.client.request(method, f"{path}{query}", headers=headers))
    with_lane, without = answers
    assert with_lane.status_code == without.status_code
    assert with_lane.content == without.content
    assert told(with_lane) == told(without)


def told(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Give the headers, less how much of the quota is left: that falls with each request."""
    return sorted((name, b"" if name == b"ratelimit" else value) for name, value in response.headers.raw)


@pytest.mark.parametrize("suffix", ["", "/email-preferences"])
@pytest.mark.parametrize("state", ["there", "erased"])
async def test_real_users_are_answered_byte_for_byte_the_same(tmp_path: Path, suffix: str, state: str) -> None:
    core = a_core()
    async with serving(tmp_path, core=core) as with_lane, serving(tmp_path, core=core, read_lane=False) as without:
        user = await with_lane.create()
        if state == "erased":
            erase(with_lane.database, user["id"])
        for scope in ("users:read", "users:read privacy:manage", "users:write", ""):
            headers = bearer(scope, user["id"]) | {"X-Request-Id": "same"}
            path = f"/v1/users/{user['id']}{suffix}"
            first, second = [await api.client.get(path, headers=headers) for api in (with_lane, without)]
            assert (first.status_code, first.content) == (second.status_code, second.content)
            assert told(first) == told(second)
