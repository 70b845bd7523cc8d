"""What holds of every problem document."""

from typing import Any

import httpx


def problem_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is the problem named, and give the document."""
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    request_id = response.headers["x-request-id"]
    assert body["type"] == f"urn:user-service:problem:{code}"
    assert body["status"] == status
    assert body["requestId"] == request_id
    assert body["instance"] == f"urn:user-service:request:{request_id}"
    assert body["title"]
    assert body["detail"]
    return body


def rules_broken(body: dict[str, Any]) -> set[tuple[str, str]]:
    """Give pointer and code of every field that a problem names."""
    return {(one["pointer"], one["code"]) for one in body["errors"]}
