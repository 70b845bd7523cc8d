"""The whole document, as a value, as JSON and as YAML. Made from tables, so the same each time."""

import json
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import yaml

from user_http.access import RULES
from user_http.consistency import gives_token, takes_token
from user_http.decoding.media import JSON
from user_http.openapi.components import headers, parameters, schemas
from user_http.openapi.describing import Body, Success
from user_http.openapi.operations import DESCRIPTIONS, TEXTS
from user_http.openapi.problems import error_responses, limit_headers, problem_examples
from user_http.routes import (
    GET_ACTIVITY,
    GET_CONSENTS,
    GET_EMAIL_PREFERENCES,
    GET_UNSUBSCRIBE_HEADERS,
    GET_USER,
    ROUTES,
    Route,
)

_TEXT: Final = """\
The users of a platform: their profile, email preferences, history and activity.

Callers send a bearer token of the AuthenticationService: a JSON Web Token signed with RS256, PS256, ES256 or EdDSA.
A token whose subject is a user may read and change that user, with no scope; another user's id then answers exactly
as an absent one.

Every answer has an `X-Request-Id`. Errors are problem documents (RFC 9457) with a stable `code`; they never repeat
what was sent. Bodies are I-JSON (RFC 7493) in UTF-8, at most 1 MiB and 64 levels deep; unknown fields and unknown
or repeated parameters are refused.

Requests count against quotas of their caller, which `RateLimit-Policy` and `RateLimit` tell; beyond them they are
refused with 429 and `Retry-After`.
"""

FOLLOWING: Final = (GET_USER, GET_EMAIL_PREFERENCES, GET_CONSENTS, GET_UNSUBSCRIBE_HEADERS, GET_ACTIVITY)
"""Operations that send a caller from a merged account to the one that stands for it."""


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "User Service",
            "version": version("user-http"),
            "description": _TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearerToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "parameters": parameters(),
            "headers": headers(),
            "examples": problem_examples(),
            "schemas": schemas(),
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    if route.id in TEXTS:
        return _text_operation(route)
    described = DESCRIPTIONS[route.id]
    operation: dict[str, Any] = {
        "operationId": route.id,
        "tags": [described.tag],
        "summary": described.summary,
        "description": described.text,
        "security": _security(route.id),
    }
    names = (*described.parameters, *(("consistencyToken",) if takes_token(route) else ()))
    if names:
        operation["parameters"] = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    if described.body is not None:
        operation["requestBody"] = _body(described.body)
    told = (*limit_headers(route.id), *(("Consistency-Token",) if gives_token(route) else ()))
    operation["responses"] = {
        str(described.success.status): _success(described.success, told),
        **({"304": _not_modified(limit_headers(route.id))} if route == GET_USER else {}),
        **({"308": _moved(limit_headers(route.id))} if route in FOLLOWING else {}),
        **error_responses(route.id),
    }
    return operation


def _moved(told: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": "The account was merged into another, which the caller may read as well: ask there.",
        "headers": _headers("Location", *told),
    }


def _text_operation(route: Route) -> dict[str, Any]:
    summary, media_type = TEXTS[route.id]
    schema = {"type": "object"} if media_type in _STRUCTURED else {"type": "string"}
    ok = {
        "description": summary,
        "headers": _headers(*limit_headers(route.id)),
        "content": {media_type: {"schema": schema}},
    }
    return {
        "operationId": route.id,
        "tags": ["Service"],
        "summary": summary,
        "security": [],
        "responses": {"200": ok, **error_responses(route.id)},
    }


_STRUCTURED: Final = frozenset({"application/json", "application/yaml"})


def _security(operation_id: str) -> list[dict[str, list[str]]]:
    """Return the alternatives: one of the scopes, or none where users may do it to themselves."""
    rule = RULES.get(operation_id)
    if rule is None:
        return []
    alternatives: list[dict[str, list[str]]] = [{"bearerToken": [scope.value]} for scope in sorted(rule.scopes)]
    return [*alternatives, {"bearerToken": []}] if rule.own else alternatives


def _body(body: Body) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body.schema}"} if body.schema else {"type": "string"}
    media = {"schema": schema, "example": body.example}
    return {"required": body.required, "content": dict.fromkeys(body.media, media)}


def _success(success: Success, told: tuple[str, ...]) -> dict[str, Any]:
    names = [name for name in (success.schema, success.also) if name is not None]
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    media: dict[str, Any] = {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}, "example": success.example()}
    if success.media != JSON:
        media = {"schema": {"type": "string", "contentMediaType": success.media}}
    response: dict[str, Any] = {
        "description": "Done.",
        "headers": _headers(*success.headers, *told),
        "content": {success.media: media},
    }
    if success.links:
        response["links"] = dict(success.links)
    return response


def _not_modified(told: tuple[str, ...]) -> dict[str, Any]:
    return {"description": "The caller has the current version.", "headers": _headers("ETag", *told)}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, "X-Request-Id")}


@cache
def openapi_json() -> bytes:
    """Return the document as JSON in UTF-8."""
    return json.dumps(document(), ensure_ascii=False, indent=1).encode()


@cache
def openapi_yaml() -> bytes:
    """Return the document as YAML in UTF-8."""
    text: str = yaml.dump(
        document(), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text.encode()


class _PlainDumper(yaml.SafeDumper):
    """Writes equal values out each time, without anchors, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 -- PyYAML's signature
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_PlainDumper.add_representer(str, _write_text)
