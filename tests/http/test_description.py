"""The description of the API: complete, up to date, and readable without a network."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.http.api import Api
from user_http.access import RULES
from user_http.openapi.__main__ import main
from user_http.openapi.document import document, openapi_json, openapi_yaml
from user_http.openapi.problems import codes_of, error_responses
from user_http.problems import KINDS, STATUS_BY_KIND, status_of
from user_http.routes import ROUTES
from usercore.kernel.errors import UserCoreError, all_errors

COMMITTED = Path(__file__).parents[2] / "api-docs" / "openapi.yaml"
DOCUMENT = document()
OPERATIONS = {
    operation["operationId"]: operation for methods in DOCUMENT["paths"].values() for operation in methods.values()
}


def test_the_committed_document_is_the_one_that_is_served() -> None:
    assert COMMITTED.read_bytes() == openapi_yaml()


def test_the_command_sees_a_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "docs" / "openapi.yaml"
    assert main(["--check", str(file)]) == 1
    assert main(["--write", str(file)]) == 0
    assert main(["--check", str(file)]) == 0
    file.write_bytes(file.read_bytes() + b"\n")
    assert main(["--check", str(file)]) == 1
    assert "has drifted" in capsys.readouterr().err


def test_json_and_yaml_say_the_same() -> None:
    assert json.loads(openapi_json()) == yaml.safe_load(openapi_yaml()) == DOCUMENT


def test_every_route_is_described_once() -> None:
    assert list(OPERATIONS) == [route.id for route in ROUTES]
    for route in ROUTES:
        assert DOCUMENT["paths"][route.path][route.method.lower()]["operationId"] == route.id


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_reference_leads_somewhere(operation_id: str) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                found: Any = DOCUMENT
                for key in value["$ref"].removeprefix("#/").split("/"):
                    found = found[key]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(OPERATIONS[operation_id])
    walk(DOCUMENT["components"])


@pytest.mark.parametrize("operation_id", RULES)
def test_every_operation_tells_its_errors_its_scopes_and_its_examples(operation_id: str) -> None:
    operation = OPERATIONS[operation_id]
    scopes = {scope for one in operation["security"] for scope in one["bearerToken"]}
    assert scopes == {scope.value for scope in RULES[operation_id].scopes}
    assert {"400", "401", "403", "406", "500", "503"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        assert "X-Request-Id" in response["headers"]
        for media_type, media in response.get("content", {}).items():
            served = "application/zip" if operation_id == "getPrivacyArchive" else "application/json"
            assert media_type == (served if int(status) < 400 else "application/problem+json")
            assert "example" in media or media_type == "application/zip" or media["examples"]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        assert media["example"]


def test_every_code_is_unique_and_has_a_status() -> None:
    # Other runners in this process may have loaded errors of their own.
    errors = [
        error for error in all_errors() if error.__module__.startswith("usercore.") and error is not UserCoreError
    ]
    core = [error.code for error in errors]
    ours = [kind.code for kind in KINDS]
    assert len(set(core)) == len(core)
    assert len(set(ours)) == len(ours)
    assert not set(core) & set(ours)
    for error in errors:
        assert 400 <= status_of(error()) < 600
        assert issubclass(error, tuple(STATUS_BY_KIND))


def test_documented_codes_stand_under_their_status() -> None:
    for route in ROUTES:
        listed = {
            code
            for response in error_responses(route.id).values()
            for code in response["content"]["application/problem+json"]["examples"]
        }
        assert listed == set(codes_of(route.id))


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/openapi.json", "application/json"),
        ("/openapi.yaml", "application/yaml"),
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/page.js", "text/javascript; charset=utf-8"),
        ("/docs/page.css", "text/css; charset=utf-8"),
    ],
)
async def test_the_description_is_served_to_everybody(lane_api: Api, path: str, media_type: str) -> None:
    lane_api.client.headers.pop("authorization")
    response = await lane_api.client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)


async def test_the_docs_page_needs_no_network(lane_api: Api) -> None:
    """Nothing it loads or names is elsewhere, and its policy would not let it."""
    seen: dict[str, httpx.Response] = {}
    waiting = ["/docs"]
    while waiting:
        path = waiting.pop()
        seen[path] = await lane_api.client.get(path)
        assert seen[path].status_code == 200
        assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", seen[path].text)
        if path == "/docs":
            waiting += re.findall(r'(?:src|href)="(/[^"]+)"', seen[path].text)
    assert {"/docs", "/docs/page.js", "/docs/page.css", "/openapi.json", "/openapi.yaml"} == set(seen)
    policy = seen["/docs"].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert 'fetch("/openapi.json")' in seen["/docs/page.js"].text
