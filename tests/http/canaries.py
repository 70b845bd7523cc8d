"""Requests of every operation with a canary in every part that can hold one: valid ones, and ones that are not.

What there is to plant canaries in is read from the routes and from the description. Only bodies are written here, and
a body that is missing, or that leaves a member out, fails the test that asks for it.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final
from urllib.parse import quote

from user_http.openapi.document import document
from user_http.routes import ROUTES, Route

Asked = dict[str, Any]
"""Arguments of a client's request."""

DESCRIPTION: Final = document()
_TOPIC: Final = "news"


def bodies(mark: str, ids: Mapping[str, str]) -> dict[str, list[Any]]:
    """Give valid bodies by operation: each member that can hold a text of the caller's holds a canary in one of them.

    Args:
        mark: the canary.
        ids: what the paths' parameters stand for, and an account that may be merged.
    """
    address = {part: f"{mark} {part}"[:20] for part in ("street", "city", "state", "postalCode", "country")}
    profile = {
        "email": f"{mark}.new@{mark}.example",
        "username": f"{mark}-user",
        "firstName": f"{mark} first",
        "lastName": f"{mark} last",
        "phoneNumber": "+49777333111999",
        "address": address,
        "locale": f"de-x-{mark[:8]}",
        "timeZone": "Europe/Berlin",
        "birthDate": "1901-02-03",
        "attributes": {f"{mark}Key": f"{mark} value"},
        "externalId": f"{mark}-external",
    }
    deactivation = {"reason": f"{mark} left", "notes": f"{mark} notes", "until": "2999-01-02T03:04:05Z"}
    text = f"{mark} in the\nperson's words"
    request = {"jurisdiction": "CCPA", "text": text, "identityNote": f"{mark} passport"}
    identity = {"verifier": f"{mark} Ident", "reference": f"{mark}-case", "verifiedAt": "2026-01-02T03:04:05Z"}
    consent = {"wordingVersion": mark, "source": f"{mark} form", "proof": f"{mark} signed"}
    return {
        "createUser": [{**profile, "password": f"{mark}-password"}],
        "patchUser": [profile],
        "updateUserByMessage": [{**profile, "userId": ids["userId"]}],
        "deactivateUser": [deactivation],
        "deactivateUserByMessage": [{**deactivation, "userId": ids["userId"]}],
        "reactivateUser": [{"reason": f"{mark} back"}],
        "patchEmailPreferences": [
            {"topics": {_TOPIC: {"subscribed": True, "source": f"{mark} form", "wordingVersion": mark}}},
            {"topics": {mark: {"subscribed": True}}},
        ],
        "recordConsent": [{"purpose": "sale", "given": False, **consent}, {"purpose": mark, "given": True}],
        "unsubscribe": [{"List-Unsubscribe": "One-Click"}, {"List-Unsubscribe": mark}],
        "checkSuppression": [{"email": f"{mark}@{mark}.example"}],
        "countSegmentByBody": [{"filter": f"firstName = '{mark}'"}, {"filter": mark, "segment": mark}],
        "saveSegment": [{"name": mark.lower(), "filter": f"address.city = '{mark}'", "about": mark}],
        "deleteSegment": [{"reason": f"{mark} is over"}],
        "createPrivacyRequest": [
            {"kind": "ACCESS", **request},
            {"kind": "RECTIFICATION", **request, "profile": profile},
        ],
        "placeLegalHold": [{"matter": f"{mark}-1", "reason": f"{mark} against us"}],
        "releaseLegalHold": [{"reason": f"{mark} settled"}],
        "previewMerge": [
            {"mergedUserId": ids["mergedUserId"], "take": [f"attributes.{mark}Key", mark]},
            {"mergedUserId": ids["mergedUserId"]},
        ],
        "mergeUsers": [
            {"mergedUserId": ids["mergedUserId"], "take": [mark], "reason": f"{mark} twice"},
            {"mergedUserId": ids["mergedUserId"], "reason": f"{mark} twice"},
        ],
        "dismissMergeCandidate": [
            {"userId": ids["userId"], "otherUserId": ids["mergedUserId"], "reason": f"{mark} is another"},
        ],
        "undoMerge": [{"reason": f"{mark} was another"}],
        "verifyRequester": [{"note": f"{mark} passport"}],
        "extendPrivacyRequest": [{"reason": f"{mark} takes long"}],
        "refusePrivacyRequest": [{"ground": "EXCESSIVE", "text": f"{mark} too often"}],
        "completePrivacyRequest": [{"outcome": f"{mark} done"}],
        "startVerification": [{"channel": "email"}, {"channel": "identity", **identity}],
        "confirmVerification": [{"code": "271828"}, {"token": token_of(mark)}],
        "confirmVerificationByLink": [{"token": token_of(mark)}],
    }


def queries(ids: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Give by operation what a query must hold."""
    return {
        "countSegment": {"filter": "version = 1"},
        "getUnsubscribeHeaders": {"topic": _TOPIC},
        "getUserByName": {"id": ids["userId"]},
        "getEmailPreferencesByQuery": {"userId": ids["userId"]},
    }


def token_of(mark: str) -> str:
    """Give what looks like a link's token and is none."""
    return (mark + "x" * 43)[:43]


def described(route: Route) -> dict[str, Any]:
    """Give what the description says of an operation."""
    found: dict[str, Any] = DESCRIPTION["paths"][route.path][route.method.lower()]
    return found


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the description."""
    found: Any = node
    while "$ref" in found:
        at = DESCRIPTION
        for part in found["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        found = at
    return dict(found)


def members(route: Route) -> set[str]:
    """Give the names of what an operation's body may hold; none if it takes no body."""
    content = described(route).get("requestBody", {}).get("content", {})
    return {name for one in content.values() for name in resolved(one["schema"]).get("properties", ())}


def parameters(route: Route, where: str) -> list[str]:
    """Give the names of an operation's parameters in one place."""
    told = map(resolved, described(route).get("parameters", []))
    return [one["name"] for one in told if one["in"] == where]


def requests(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    """Give every request of one operation, each with a canary somewhere."""
    yield from _in_path(route, mark, ids)
    yield from _in_query(route, mark, ids)
    yield from _in_headers(route, mark, ids)
    if members(route):
        yield from _in_body(route, mark, ids)
    if route.id == "createImport":
        yield from _in_file(route, mark, ids)


def request(route: Route, ids: Mapping[str, str], **more: Any) -> Asked:
    """Give a request of one operation on what exists."""
    headers = {"If-Match": "*"} | more.pop("headers", {})
    needed = queries(ids).get(route.id)
    return {"method": route.method, "url": _path(route, ids), "headers": headers, "params": needed, **more}


def _path(route: Route, ids: Mapping[str, str]) -> str:
    path = route.path
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _in_path(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    for name in parameters(route, "path"):
        for value in (mark, token_of(mark), f"{mark}@{mark}.example", f"{mark} \u00e9", mark * 40):
            body = {"json": bodies(mark, ids)[route.id][0]} if members(route) else {}
            yield request(route, {**ids, name: value}, **body)


def _in_query(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    names = [*parameters(route, "query"), mark]
    path = _path(route, ids)
    for name in names:
        for query in (f"{name}={mark}", f"{name}={mark}&{name}={mark}", f"{name}={mark}%ff", f"{name}={mark * 200}"):
            yield request(route, ids) | {"url": f"{path}?{query}", "params": None}
        yield request(route, ids) | {"url": f"{path}?{name}={mark}%40{mark}.example", "params": None}


def _in_headers(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    address = f"{mark}@{mark}.example"
    for name in ("X-Request-Id", "Traceparent", "If-Match", "If-None-Match", "Accept", "Idempotency-Key", "Sec-GPC"):
        yield request(route, ids, headers={name: address})
        yield request(route, ids, headers={name: f'"{mark}"'} if name != "X-Request-Id" else {name: f"{mark} x"})
    for name in ("User-Agent", "Referer", "Cookie", "Forwarded", "X-Forwarded-For", "Content-Type", "Range", "Origin"):
        yield request(route, ids, headers={name: f"{mark} {address}"})
    for value in (f"Bearer {mark}", f"Bearer {mark}.{mark}.{mark}", f"Basic {mark}", mark):
        yield request(route, ids, headers={"Authorization": value})


def _in_body(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    form = "application/x-www-form-urlencoded" in described(route)["requestBody"]["content"]
    # The wrong ones first: what is right changes what is there.
    for valid in bodies(mark, ids)[route.id]:
        for wrong in _wrong(valid, mark):
            yield request(route, ids, **({"data": _flat(wrong)} if form else {"json": wrong}))
    for raw in _malformed(mark):
        for kind in ("application/json", f"application/{mark}", "multipart/form-data; boundary=" + mark):
            yield request(route, ids, content=raw, headers={"Content-Type": kind})
    for valid in bodies(mark, ids)[route.id]:
        yield request(route, ids, **({"data": valid} if form else {"json": valid}))


def _in_file(route: Route, mark: str, ids: Mapping[str, str]) -> Iterator[Asked]:
    row = {"email": f"{mark}@{mark}.example", "firstName": mark, "lastName": "\x01" + mark, mark: mark}
    for kind in ("application/x-ndjson", "text/csv"):
        for raw in (json.dumps(row).encode(), f"email,{mark}\n{mark},1\n".encode(), *_malformed(mark)):
            yield request(route, ids, content=raw, headers={"Content-Type": kind})


def _wrong(valid: dict[str, Any], mark: str) -> Iterator[Any]:
    """Give a valid body with one thing wrong in each."""
    for at in _places(valid):
        for value in ([f"{mark} x"], {mark: mark}, f"{mark} x\u0000", mark * 2_000, f"@{mark} ", mark, ""):
            yield _with(valid, at, value)
    yield {**valid, mark: mark}
    yield {mark: mark}
    yield [mark]
    yield mark


def _places(node: object, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield (*at, name)
            yield from _places(value, (*at, name))
        if at:
            yield (*at, "unknown member")


def _with(valid: dict[str, Any], at: tuple[str, ...], value: object) -> dict[str, Any]:
    copy = deepcopy(valid)
    inner = copy
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    return copy


def _flat(body: object) -> dict[str, str]:
    return {name: str(value) for name, value in body.items()} if isinstance(body, dict) else {str(body): str(body)}


def _malformed(mark: str) -> Iterator[bytes]:
    yield json.dumps({"email": mark}).encode()[:-1]
    yield f'{{"{mark}":1,"{mark}":2}}'.encode()
    yield f'"{mark}'.encode()
    yield mark.encode()
    yield mark.encode("utf-16")
    yield f'{{"{mark}":"\\u0000"}}'.encode()
    yield f'["{mark}'.encode() + b'\xff"]'
    yield f"{mark}={mark}&{mark}".encode()
    yield f'--{mark}\r\nContent-Disposition: form-data; name="{mark}"\r\n\r\n{mark}\r\n--{mark}--\r\n'.encode()


def routes_without_canaries(mark: str, ids: Mapping[str, str]) -> list[str]:
    """Give what of every operation's body, or of its path, no canary passes through."""
    known = bodies(mark, ids)
    gaps = []
    for route in ROUTES:
        planted = {name for body in known.get(route.id, []) for name in body}
        gaps += [f"{route.id}: no body holds {name}" for name in sorted(members(route) - planted)]
        gaps += [f"{route.id}: no id for {name}" for name in parameters(route, "path") if name not in ids]
    return gaps
