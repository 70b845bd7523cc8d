"""The API as one ASGI application."""

import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, Final, Protocol

from litestar import HttpMethod, Litestar, Request
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.types import ASGIApp

from user_http.access import rule_of
from user_http.answers import Answer
from user_http.auth.sources import JwksUrl, KeyFile, KeyRing, KeySource, plain_client
from user_http.auth.tokens import TokenVerifier
from user_http.consistency import Consistency, Tokens
from user_http.controllers.activity import ActivityController
from user_http.controllers.aliases import AliasController
from user_http.controllers.audit import AuditController
from user_http.controllers.consents import ConsentsController
from user_http.controllers.description import DescriptionController
from user_http.controllers.health import HealthController, Readiness
from user_http.controllers.history import HistoryController
from user_http.controllers.imports import ImportController
from user_http.controllers.listing import ListController
from user_http.controllers.merging import MergeController
from user_http.controllers.preferences import PreferencesController
from user_http.controllers.privacy import PrivacyController
from user_http.controllers.segments import SegmentController
from user_http.controllers.suppressions import SuppressionsController
from user_http.controllers.unsubscribe import UnsubscribeController
from user_http.controllers.users import UserController
from user_http.controllers.verifications import VerificationController
from user_http.deadlines import Deadlines
from user_http.edge import HttpObserver, Lifecycle, at_the_edge
from user_http.exchange import SCOPE_KEY
from user_http.lane import Lane
from user_http.limits import Gate, LimitTelemetry
from user_http.pipeline import Operation, Pipeline
from user_http.problems import BY_FRAMEWORK_STATUS, INTERNAL, REQUEST_MALFORMED, answer_of_kind
from user_http.routes import ROUTES
from user_http.signals import Signals
from user_http.tracing import traced
from usercore.kernel.tracing import Tracer
from usercore.settings.serving import AuthSettings, ServingSettings
from usercore.wiring.core import Core


class Telemetry(HttpObserver, LimitTelemetry, Protocol):
    """What the API tells of itself."""

    def scrape(self) -> bytes:
        """Return every metric in Prometheus' text format."""
        ...


def build_app(
    core: Core,
    settings: ServingSettings,
    telemetry: Telemetry,
    *,
    readiness: Callable[[], Awaitable[Readiness]],
    lifecycle: Lifecycle | None = None,
    keys: KeySource | None = None,
    tracer: Tracer | None = None,
    consistency: Consistency | None = None,
) -> ASGIApp:
    """Return the whole API over a core.

    Args:
        core: every use case.
        settings: how to serve, and whose tokens to believe.
        telemetry: is told of every request, and gives the metrics out.
        readiness: asks the parts of the service how they stand.
        lifecycle: says when this copy drains; None means never.
        keys: where the keys come from that tokens are checked with; the settings say so where it is None.
        tracer: makes spans of requests, where there are traces.
        consistency: lets replicas answer; None where there are none.
    """
    life = lifecycle or Lifecycle()
    http = settings.http
    ring = KeyRing(keys or key_source(settings.auth))
    verifier = TokenVerifier(ring, settings.auth.issuer, settings.auth.audience)
    gate = Gate(core.ports.limiter, settings.limits, telemetry)
    deadlines, signals = Deadlines(http.request_timeout_s), Signals(core.opt_out_of_sale)
    tokens = None if consistency is None else Tokens(consistency)
    patience = Deadlines(http.import_timeout_s)
    pipeline = Pipeline(verifier, http.body_limit_bytes, deadlines, gate, signals, tokens, patience)
    health = HealthController(readiness, telemetry.scrape, life)
    within = timedelta(seconds=settings.auth.signed_in_within_s)
    operations = {one.route.id: one for one in _operations(core, health, PrivacyController(core, within))}
    operations |= {one.route.id: one for one in ImportController(core, http.import_limit_bytes).operations()}
    inner: ASGIApp = _router(pipeline, operations)
    if http.read_lane:
        inner = Lane.over(inner, pipeline, operations.values())
    return traced(at_the_edge(inner, telemetry, life, http.max_in_flight), tracer)


def key_source(auth: AuthSettings) -> KeySource:
    """Return where the settings say that keys come from."""
    if auth.key_file is not None:
        return KeyFile(auth.key_file)
    return JwksUrl(auth.jwks_url or "", plain_client)


def _operations(core: Core, health: HealthController, privacy: PrivacyController) -> Iterator[Operation]:
    users, preferences = UserController(core), PreferencesController(core)
    yield from users.operations()
    yield from ListController(core).operations()
    yield from preferences.operations()
    yield from ConsentsController(core).operations()
    yield from UnsubscribeController(core).operations()
    yield from SuppressionsController(core).operations()
    yield from HistoryController(core).operations()
    yield from ActivityController(core).operations()
    yield from privacy.operations()
    yield from MergeController(core).operations()
    yield from SegmentController(core).operations()
    yield from VerificationController(core).operations()
    yield from AliasController(core, users, preferences).operations()
    yield from AuditController(core).operations()
    yield from health.operations()
    yield from DescriptionController().operations()


_PLACE: Final = re.compile(r"\{(\w+)\}")


def _router(pipeline: Pipeline, operations: dict[str, Operation]) -> ASGIApp:
    by_path: dict[str, dict[str, Operation]] = {}
    for route in ROUTES:
        rule_of(route.id)  # nothing is served of which nobody has said who may call it
        by_path.setdefault(route.path, {})[route.method] = operations[route.id]
    return Litestar(
        route_handlers=[_route(pipeline, path, by_method) for path, by_method in by_path.items()],
        exception_handlers={HTTPException: _refused, Exception: _refused},
        openapi_config=None,  # the description is made from the operations, see user_http.openapi
        logging_config=None,
        request_max_body_size=None,  # bodies are read and bounded by Call.body
    )


def _route(pipeline: Pipeline, path: str, by_method: dict[str, Operation]) -> HTTPRouteHandler:
    """Return the framework's route of one path, whose OPTIONS lists the methods that the path knows."""
    methods = sorted({*by_method, "OPTIONS"})
    options = Answer(204, b"", ((b"allow", ", ".join(methods).encode()),))

    async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
        scope = request.scope
        operation = by_method.get(scope["method"])
        if operation is None:
            return options
        return await pipeline.answer(operation, scope, request.receive, scope["path_params"])

    pattern = _PLACE.sub(r"{\1:str}", path)
    return HTTPRouteHandler(pattern, http_method=[HttpMethod(method) for method in methods])(handle)


def _refused(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what the framework itself refuses: an unknown path or method, a broken Host header."""
    status = error.status_code if isinstance(error, HTTPException) else INTERNAL.status
    kind = BY_FRAMEWORK_STATUS.get(status, INTERNAL if status >= INTERNAL.status else REQUEST_MALFORMED)
    allow = (error.headers or {}).get("allow") if isinstance(error, HTTPException) else None
    headers = () if allow is None else ((b"allow", ", ".join(sorted(allow.split(", "))).encode()),)
    answer = answer_of_kind(kind, request.scope[SCOPE_KEY].request_id, headers)  # type: ignore[typeddict-item]
    return _as_response(answer)


def _as_response(answer: Answer) -> Response[bytes]:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    media_type = headers.pop("content-type")
    return Response(answer.body, status_code=answer.status, media_type=media_type, headers=headers)
