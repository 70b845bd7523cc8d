"""Input that is wrong on purpose: each gets its 4xx problem, and nothing is stored."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.http.api import JSON, Api
from tests.http.problems import problem_of, rules_broken
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand

GOOD = {"email": "a@example.com", "firstName": "A", "lastName": "B"}
DEEP = 50_000


def with_member(name: str, raw: str) -> bytes:
    """Give a good body with one more member, written out."""
    return json.dumps(GOOD)[:-1].encode() + f',"{name}":{raw}}}'.encode("utf-8", "surrogatepass")


def attributes(raw: str) -> bytes:
    return with_member("attributes", f'{{"a":{raw}}}')


MALFORMED: dict[str, tuple[bytes, str]] = {
    "invalid UTF-8": (with_member("locale", '"x"').replace(b'"x"', b'"\xff"'), "invalid_utf8"),
    "an encoded surrogate": (with_member("locale", '"\ud800"'), "invalid_utf8"),
    "an overlong encoding": (b'{"a":"\xc0\x80"}', "invalid_utf8"),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "invalid_utf8"),
    "a byte order mark": (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "not_json"),
    "50,000 lists": (attributes("[" * DEEP + "]" * DEEP), "too_deep"),
    "50,000 objects": (attributes('{"a":' * DEEP + "1" + "}" * DEEP), "too_deep"),
    "50,000 lists that never close": (b"[" * DEEP, "too_deep"),
    "50,000 brackets that close wrongly": (b"[{" * DEEP, "too_deep"),
    "65 lists": (b"[" * 65 + b"]" * 65, "too_deep"),
    "deep behind an escaped quote": (b'{"a\\"":"\\\\",' + b'"b":' + b"[" * 90 + b"]" * 90 + b"}", "too_deep"),
    "a duplicate key": (with_member("email", '"b@example.com"'), "duplicate_key"),
    "a duplicate key, escaped": (with_member("em\\u0061il", '"b@example.com"'), "duplicate_key"),
    "a duplicate key deep inside": (attributes('{"b":1,"b":1}'), "duplicate_key"),
    "NUL in a name": (with_member("locale", '"\\u0000"'), "text_not_storable"),
    "NUL in an attribute": (attributes('"a\\u0000b"'), "text_not_storable"),
    "NUL in an attribute's name": (attributes('{"a\\u0000":1}'), "text_not_storable"),
    "a raw control character": (with_member("locale", '"\x01"'), "not_json"),
    "a lone high surrogate": (attributes('"\\ud800"'), "text_not_storable"),
    "a lone low surrogate": (attributes('["\\udc00"]'), "text_not_storable"),
    "surrogates the wrong way round": (attributes('"\\udc00\\ud800"'), "text_not_storable"),
    "a huge integer": (attributes("9" * 400), "number_out_of_range"),
    "a huge integer for a name": (with_member("locale", "9" * 400), "number_out_of_range"),
    "an integer beyond 2^53 - 1": (attributes("9007199254740992"), "number_out_of_range"),
    "a number that is infinite as a float": (attributes("1e400"), "number_out_of_range"),
    "a huge number": (attributes("-1e300"), "number_out_of_range"),
    "NaN": (attributes("NaN"), "not_json"),
    "Infinity": (attributes("-Infinity"), "not_json"),
    "a number with a leading zero": (attributes("01"), "not_json"),
    "nothing": (b"", "not_json"),
    "a cut off body": (json.dumps(GOOD).encode()[:-5], "not_json"),
    "two values": (json.dumps(GOOD).encode() * 2, "not_json"),
    "a comment": (b"/* */" + json.dumps(GOOD).encode(), "not_json"),
    "a form": (b"email=a%40example.com", "not_json"),
}


@pytest.fixture(autouse=True)
async def any_attribute(lane_api: Api) -> None:
    command = RegisterAttributeSchemaCommand({"type": "object"})
    await lane_api.core.register_attribute_schema(command, CommandContext(SYSTEM, correlation_id="test"))


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_body_is_refused_and_not_stored(lane_api: Api, case: str) -> None:
    body, rule = MALFORMED[case]
    response = await lane_api.client.post("/v1/users", content=body, headers=JSON)
    assert rules_broken(problem_of(response, 400, "body_malformed")) == {("", rule)}
    assert lane_api.footprint() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_patch_changes_nothing(lane_api: Api, case: str) -> None:
    user = await lane_api.create()
    before = lane_api.footprint()
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": '"1"'}
    response = await lane_api.client.patch(f"/v1/users/{user['id']}", content=MALFORMED[case][0], headers=headers)
    problem_of(response, 400, "body_malformed")
    assert lane_api.footprint() == before


@pytest.mark.parametrize("name", ["id", "status", "version", "verification", "restricted", "createdAt", "updatedAt"])
@pytest.mark.parametrize("value", [None, 1, "ACTIVE", {}])
async def test_what_the_service_sets_cannot_be_assigned(lane_api: Api, name: str, value: object) -> None:
    response = await lane_api.client.post("/v1/users", json=GOOD | {name: value})
    assert rules_broken(problem_of(response, 422, "body_invalid")) == {(f"/{name}", "read_only")}
    assert lane_api.footprint() == (0, 0, 0, 0, 0, 0)
    user = await lane_api.create()
    before = lane_api.footprint()
    path = f"/v1/users/{user['id']}"
    for method, url in (("PATCH", path), ("POST", f"{path}/deactivate"), ("POST", f"{path}/reactivate")):
        response = await lane_api.client.request(method, url, json={name: value}, headers={"If-Match": '"1"'})
        problem_of(response, 422, "body_invalid")
    assert lane_api.footprint() == before


@pytest.mark.parametrize("name", ["role", "__class__", "passwordHash", "statusDetails ", "ID", "userId", "first_name"])
async def test_an_unknown_field_is_refused_without_repeating_it(lane_api: Api, name: str) -> None:
    response = await lane_api.client.post("/v1/users", json=GOOD | {name: "x"})
    body = problem_of(response, 422, "body_invalid")
    assert rules_broken(body) == {("", "unknown_field")}
    assert lane_api.footprint() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("body", [None, [], "text", 7, True, [GOOD]])
async def test_a_body_that_is_no_object_is_refused(lane_api: Api, body: object) -> None:
    response = await lane_api.client.post("/v1/users", content=json.dumps(body), headers=JSON)
    assert rules_broken(problem_of(response, 422, "body_invalid")) == {("", "wrong_type")}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; version=2",
        "application/merge-patch+json",
        "json",
        "application/json, text/plain",
    ],
)
async def test_another_media_type_is_refused(lane_api: Api, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    problem_of(response, 415, "content_type_unsupported")
    assert response.headers["accept"] == "application/json"
    assert lane_api.footprint() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("content_type", ["application/json;charset=utf-8", 'Application/JSON; Charset="UTF-8"'])
async def test_json_in_utf_8_is_taken_however_it_is_named(lane_api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    assert response.status_code == 201


async def test_two_content_types_are_refused(lane_api: Api) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    problem_of(response, 400, "header_malformed")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_a_compressed_body_is_refused(lane_api: Api, encoding: str) -> None:
    headers = JSON | {"Content-Encoding": encoding}
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    problem_of(response, 415, "content_type_unsupported")


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 65_536


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_above_one_mebibyte_is_refused(lane_api: Api, chunked: bool) -> None:
    content: Any = chunks(17) if chunked else b" " * (1_048_576 + 1)
    response = await lane_api.client.post("/v1/users", content=content, headers=JSON)
    problem_of(response, 413, "body_too_large")
    assert response.headers["connection"] == "close"


async def test_a_body_of_one_mebibyte_is_read(lane_api: Api) -> None:
    body = json.dumps(GOOD).encode().ljust(1_048_576)
    response = await lane_api.client.post("/v1/users", content=body, headers=JSON)
    assert response.status_code == 201


@pytest.mark.parametrize("length", ["-1", "+5", "1_000", "٣", "nine"])
async def test_a_length_that_is_no_number_does_not_matter(lane_api: Api, length: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    assert response.status_code == 201


async def test_strange_but_storable_text_is_kept(lane_api: Api) -> None:
    names = {"firstName": "\U0001f9d1\u200d\U0001f680", "lastName": "Ægir \\ \" O'Neill; DROP TABLE"}
    user = await lane_api.create(**names, attributes={"a/b~c": ["\\u0000", "\U00010000", 9007199254740991, 1.5]})
    assert {name: user[name] for name in names} == names
    assert user["attributes"] == {"a/b~c": ["\\u0000", "\U00010000", 9007199254740991, 1.5]}


async def test_a_parameter_is_refused_where_there_are_none(lane_api: Api) -> None:
    user = await lane_api.create()
    path = f"/v1/users/{user['id']}"
    calls = [
        ("POST", "/v1/users", GOOD),
        ("PATCH", path, {"firstName": "B"}),
        ("POST", f"{path}/deactivate", None),
        ("POST", f"{path}/reactivate", None),
        ("GET", path, None),
        ("GET", f"{path}/email-preferences", None),
        ("GET", f"{path}/activity", None),
    ]
    before = lane_api.footprint()
    for method, url, body in calls:
        for query in ("x=1", "dry_run", "include=emailPreferences&include=emailPreferences"):
            response = await lane_api.client.request(method, f"{url}?{query}", json=body, headers={"If-Match": "*"})
            problem_of(response, 400, "query_malformed")
    assert lane_api.footprint() == before


@pytest.mark.parametrize("header", ["Idempotency-Key", "Content-Length", "Authorization"])
async def test_a_header_that_comes_twice_is_refused(lane_api: Api, header: str) -> None:
    value = lane_api.client.headers["authorization"] if header == "Authorization" else "5"
    headers = [("Content-Type", "application/json"), (header, value)]
    headers += [(header, value)] if header != "Content-Length" else [("Content-Length", "6")]
    response = await lane_api.client.post("/v1/users", content=json.dumps(GOOD), headers=headers)
    problem_of(response, 400, "header_malformed")
