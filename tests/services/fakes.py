"""The three services, and Kratos, as their descriptions have them: each keeps what it was told, once for each key."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from attrs import define, field

from tests.services.described import CONTRACTS, Description
from tests.services.server import Loopback, Request, Response

KRATOS = Description.read(CONTRACTS.parents[1] / "tests" / "services" / "descriptions" / "kratos-admin.yaml")
AUTHENTICATION = Description.read(CONTRACTS / "authentication-service.yaml")
NOTIFICATION = Description.read(CONTRACTS / "notification-service.yaml")
AUDIT = Description.read(CONTRACTS / "audit-service.yaml")
DONE = Response(204)
TOKEN = "a-token-of-the-test"


@define(eq=False)
class Service:
    """What the three have in common."""

    done: dict[str, Request] = field(factory=dict, init=False)
    """By idempotency key."""
    web: Loopback = field(init=False)

    def serve(self, description: Description) -> None:
        self.web = Loopback(description.checked(self._once), TOKEN)

    def _once(self, request: Request) -> Response:
        if request.key in self.done:
            return DONE
        response = self.handle(request)
        if request.key and response.status < 300:
            self.done[request.key] = request
        return response

    def handle(self, request: Request) -> Response:
        raise NotImplementedError


@define(eq=False)
class FakeAuthentication(Service):
    credentials: dict[str, dict[str, Any]] = field(factory=dict, init=False)
    sessions: dict[str, int] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.serve(AUTHENTICATION)

    def handle(self, request: Request) -> Response:
        match request.method, request.path.split("/")[3:]:
            case "POST", ["lookup"]:
                known = (self.credentials.get(one) for one in request.body["userIds"])
                return Response(200, {"items": [_shown(one) for one in known if one]})
            case "GET", []:
                return self._page(request)
            case "PUT", [user_id]:
                self.credentials.setdefault(user_id, {"userId": user_id, "enabled": True, **request.body})
                return Response(201)
            case "DELETE", [user_id]:
                gone = self.credentials.pop(user_id, None)
                self.sessions.pop(user_id, None)
                return DONE if gone else Response(404)
            case "PUT", [user_id, what] if user_id in self.credentials:
                return self._change(user_id, what, request.body)
        return Response(404)

    def _change(self, user_id: str, what: str, body: dict[str, Any]) -> Response:
        credential = self.credentials[user_id]
        if credential.get(what, "") > body["occurredAt"]:
            return DONE
        credential[what] = body["occurredAt"]
        credential.update({name: body[name] for name in ("email", "username", "enabled") if name in body})
        if body.get("endSessions"):
            self.sessions[user_id] = 0
        return DONE

    def _page(self, request: Request) -> Response:
        after, limit = request.query.get("cursor", ""), int(request.query.get("limit", "100"))
        rest = [self.credentials[one] for one in sorted(self.credentials) if one > after]
        cursor = rest[limit - 1]["userId"] if len(rest) > limit else None
        return Response(200, {"items": [_shown(one) for one in rest[:limit]], "nextCursor": cursor})


def _shown(credential: dict[str, Any]) -> dict[str, Any]:
    return {name: credential[name] for name in ("userId", "email", "username", "enabled")}


@define(eq=False)
class FakeNotification(Service):
    def __attrs_post_init__(self) -> None:
        self.serve(NOTIFICATION)

    def handle(self, request: Request) -> Response:
        return DONE if request.method == "DELETE" else Response(202, {"id": str(uuid4())})

    @property
    def sent(self) -> list[Any]:
        return [request.body for request in self.done.values() if request.body is not None]


@define(eq=False)
class FakeAudit(Service):
    def __attrs_post_init__(self) -> None:
        self.serve(AUDIT)

    def handle(self, _: Request) -> Response:
        return Response(201)

    @property
    def entries(self) -> list[Any]:
        return [request.body for request in self.done.values()]


@define(eq=False)
class FakeKratos:
    """The admin API of Ory Kratos, as far as it is described."""

    identities: dict[str, dict[str, Any]] = field(factory=dict, init=False)
    hashes: dict[str, str] = field(factory=dict, init=False)
    sessions_ended: list[str] = field(factory=list, init=False)
    web: Loopback = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.web = Loopback(KRATOS.checked(self.handle), TOKEN)

    def of(self, user_id: str) -> dict[str, Any] | None:
        return next((one for one in self.identities.values() if one.get("external_id") == user_id), None)

    def handle(self, request: Request) -> Response:
        match request.method, request.path.split("/")[3:]:
            case "POST", []:
                return self._create(request.body)
            case "GET", []:
                return self._list(request)
            case "GET", ["by", "external", user_id]:
                found = self.of(user_id)
                return Response(200, found) if found else _error(404)
            case method, [own, *rest] if own in self.identities:
                return self._change(method, own, rest, request.body)
        return _error(404)

    def _create(self, body: dict[str, Any]) -> Response:
        identity = {"id": str(uuid4()), "schema_url": "http://kratos/schemas/default", "state": "active", **body}
        credentials = identity.pop("credentials", {})
        if any(_same(one, identity) for one in self.identities.values()):
            return _error(409)
        self.identities[identity["id"]] = identity
        self.hashes[identity["id"]] = credentials.get("password", {}).get("config", {}).get("hashed_password", "")
        return Response(201, identity)

    def _list(self, request: Request) -> Response:
        wanted = request.query.get("credentials_identifier")
        found = [one for one in self.identities.values() if wanted in (None, *_logins(one))]
        start, size = int(request.query.get("page_token", "0")), int(request.query.get("page_size", "250"))
        more = {}
        if len(found) > start + size:
            more = {"Link": f'</admin/identities?page_size={size}&page_token={start + size}>; rel="next"'}
        return Response(200, found[start : start + size], more)

    def _change(self, method: str, own: str, rest: list[str], body: Any) -> Response:
        if (method, rest) == ("DELETE", ["sessions"]):
            self.sessions_ended.append(own)
            return DONE
        if (method, rest) == ("DELETE", []):
            del self.identities[own]
            return DONE
        return self._patch(own, body)

    def _patch(self, own: str, steps: list[dict[str, Any]]) -> Response:
        patched = dict(self.identities[own])
        for step in steps:
            name = step["path"].removeprefix("/")
            if name in {"id", "stateChangedAt", "credentials"}:
                return _error(400)
            patched[name] = step["value"]
        if any(_same(one, patched) for one in self.identities.values() if one["id"] != own):
            return _error(409)
        self.identities[own] = patched
        return Response(200, patched)


def _logins(identity: dict[str, Any]) -> Iterator[str]:
    yield from (identity["traits"][name] for name in ("email", "username") if name in identity["traits"])


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    taken = set(_logins(one)) & set(_logins(other))
    return bool(taken) or one.get("external_id", one) == other.get("external_id", other)


def _error(code: int) -> Response:
    return Response(code, {"error": {"code": code, "message": "no"}})
