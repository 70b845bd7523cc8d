"""What every operation goes through, on whichever way it came: the router's or the lane's.

Accept header, token, access rule, the operation itself within its time, and a problem document for whatever
goes wrong.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

import structlog
from attrs import frozen
from litestar.types import Receive

from user_http.accept import JSON_RANGES, accepts
from user_http.access import RULES, Rule, authorise
from user_http.answers import NO_ANSWER, Answer
from user_http.auth.callers import Caller
from user_http.auth.tokens import TokenRefusedError, TokenVerifier
from user_http.consistency import Tokens
from user_http.deadlines import DeadlinePassedError, Deadlines
from user_http.exchange import SCOPE_KEY, Exchange
from user_http.limits import Gate
from user_http.merged import answer_of_merged
from user_http.problems import (
    INTERNAL,
    NOT_ACCEPTABLE,
    TIMED_OUT,
    TOKEN_INVALID,
    UNAUTHENTICATED,
    RequestRefusedError,
    answer_of_core,
    answer_of_kind,
    answer_of_refusal,
    retry_after,
)
from user_http.requests import Call, ClientGoneError, parse_user_id
from user_http.routes import Route
from user_http.signals import Signals
from usercore.kernel.errors import UserCoreError
from usercore.segments.errors import SegmentInvalidError
from usercore.users.errors import UserErasedError, UserMergedError, UserNotFoundError

Handle: TypeAlias = Callable[[Call], Awaitable[Answer]]

_NO_TOKEN: Final = ((b"www-authenticate", b'Bearer realm="user-service"'),)
_BAD_TOKEN: Final = ((b"www-authenticate", b'Bearer realm="user-service", error="invalid_token"'),)
_SAFE: Final = "GET"


@frozen
class Operation:
    """An operation and the code that answers it.

    Args:
        route: which.
        handle: answers it.
        media: the media ranges of what it answers with.
        patient: its body may take as long as a file takes.
    """

    route: Route
    handle: Handle
    media: frozenset[str] = JSON_RANGES
    patient: bool = False


@frozen
class Pipeline:
    """Answers requests.

    Args:
        verifier: checks tokens.
        body_limit: the most bytes of body to read.
        deadlines: end requests that take too long.
        gate: counts what each caller asks.
        signals: honour what browsers say beside the request.
        tokens: let callers see what they wrote; None where nothing is read from replicas.
        patience: ends requests that may take longer; None: like all others.
    """

    verifier: TokenVerifier
    body_limit: int
    deadlines: Deadlines
    gate: Gate
    signals: Signals
    tokens: Tokens | None = None
    patience: Deadlines | None = None

    async def answer(
        self,
        operation: Operation,
        scope: Any,  # noqa: ANN401 -- ASGI's open mapping
        receive: Receive,
        params: Mapping[str, str],
    ) -> Answer:
        """Return the answer to one request; nothing is raised."""
        exchange: Exchange = scope[SCOPE_KEY]
        exchange.route = operation.route.path
        if operation.route.method != _SAFE:
            structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        call = Call(
            route=operation.route,
            scope=scope,
            receive=receive,
            exchange=exchange,
            body_limit=self.body_limit,
            params=params,
        )
        call.params = params
        try:
            deadlines = self.patience or self.deadlines if operation.patient else self.deadlines
            with deadlines.begin():
                return await self._checked(operation, call, params.get("userId"))
        except Exception as error:  # noqa: BLE001 -- whatever went wrong, the caller gets a problem document
            return _answer_of(error, call)

    async def _checked(self, operation: Operation, call: Call, user_id: str | None) -> Answer:
        rule = RULES.get(operation.route.id)
        if rule is None:
            if not self.gate.knows(call, None):
                await self.gate.ask(call, None)
            return await operation.handle(call)
        await self._admit(operation, call, rule, user_id)
        if self.tokens is None:
            return await self.signals.beside(call, rule, operation.handle)
        return await self.tokens.around(call, partial(self.signals.beside, rule=rule, handle=operation.handle))

    async def _admit(self, operation: Operation, call: Call, rule: Rule, user_id: str | None) -> None:
        """Pass a caller who may call the operation, has some of the quota left, and wants what it answers with."""
        if not accepts(call.header(b"accept"), operation.media):
            raise RequestRefusedError(NOT_ACCEPTABLE)
        call.caller = await self._caller(call)
        if not self.gate.knows(call, user_id):
            await self.gate.ask(call, user_id)
        if user_id is not None:
            call.user_id = parse_user_id(user_id)
            authorise(rule, call.caller, call.user_id)
        elif not rule.own:
            authorise(rule, call.caller, None)
        # What is left names the user in its body or query, and is authorised where that is read.

    async def _caller(self, call: Call) -> Caller:
        try:
            token = _token(call)
            return self.verifier.recall(token) or await self._verified(token)
        except RequestRefusedError:
            await self.gate.ask(call, None)  # by the address, as nobody is known
            raise

    async def _verified(self, token: str) -> Caller:
        try:
            return await self.verifier.verify(token)
        except TokenRefusedError:
            raise RequestRefusedError(TOKEN_INVALID, headers=_BAD_TOKEN) from None


def _answer_of(error: Exception, call: Call) -> Answer:
    """Return the answer to a request that came to nothing."""
    request_id = call.exchange.request_id
    match error:
        case RequestRefusedError():
            return answer_of_refusal(error, request_id)
        case UserCoreError():
            return _answer_of_core(error, call)
        case DeadlinePassedError():
            return answer_of_kind(TIMED_OUT, request_id, retry_after(1))
        case ClientGoneError():
            return NO_ANSWER
    structlog.get_logger().error("request crashed", request_id=request_id, exc_info=error)
    return answer_of_kind(INTERNAL, request_id)


def _answer_of_core(error: UserCoreError, call: Call) -> Answer:
    """Return what the core's error says to this caller."""
    request_id = call.exchange.request_id
    match error:
        case UserErasedError():
            sees = call.caller is not None and call.caller.sees_erased
            return answer_of_core(error if sees else UserNotFoundError(), request_id)
        case UserMergedError():
            return answer_of_merged(error, call)
        case SegmentInvalidError():
            return answer_of_core(error, request_id, position=error.position)
        case _:
            return answer_of_core(error, request_id)


def _token(call: Call) -> str:
    raw = call.single_header(b"authorization")
    if raw is None:
        raise RequestRefusedError(UNAUTHENTICATED, headers=_NO_TOKEN)
    scheme, _, token = raw.partition(" ")
    if scheme.lower() != "bearer":
        raise RequestRefusedError(UNAUTHENTICATED, headers=_NO_TOKEN)
    return token.strip(" ")
