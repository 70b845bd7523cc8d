"""Verifications: start, confirm, and confirm by a link alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from attrs import frozen
from msgspec import UNSET as ABSENT

from user_http import routes
from user_http.access import RECORD_IDENTITY, authorise
from user_http.answers import Answer, json_answer
from user_http.controllers.common import context_of, given, missing_field, user_answer
from user_http.decoding.body import read_body
from user_http.decoding.query import read_query
from user_http.idempotency import once, read_identity
from user_http.pipeline import Operation
from user_http.problems import BODY_INVALID, FieldProblem, RequestRefusedError
from user_http.requests import Call
from user_http.schemas.verifications import Confirmation, LinkConfirmation, NewVerification
from usercore.codec.verifications import render_confirmed, render_verification
from usercore.kernel.context import SYSTEM, CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import Settled
from usercore.kernel.secret import Secret
from usercore.users.values import VerificationChannel
from usercore.verification.confirm_verification import ConfirmByLinkCommand, ConfirmVerificationCommand
from usercore.verification.record_verification import RecordVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand, request_name
from usercore.verification.values import Verification
from usercore.wiring.core import Core

_OF_IDENTITIES: Final = ("verifier", "reference", "verified_at")


@frozen
class VerificationController:
    """Answers the operations on verifications."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.START_VERIFICATION, self.start)
        yield Operation(routes.CONFIRM_VERIFICATION, self.confirm)
        yield Operation(routes.CONFIRM_BY_LINK, self.confirm_by_link)

    async def start(self, call: Call) -> Answer:
        """Start a verification of a contact, or take note of one of an identity."""
        read_query(call)
        body = await read_body(call, NewVerification)
        command = _command(call.target, body)
        if isinstance(command, RecordVerificationCommand):
            authorise(RECORD_IDENTITY, call.who, call.target)

        async def work(context: CommandContext) -> Answer:
            if isinstance(command, RecordVerificationCommand):
                return _started(await self.core.record_verification(command, context))
            return _started(await self.core.start_verification(command, context))

        async def replay(settled: Settled) -> Answer:
            identity = await read_identity(call)
            request = b"" if identity is None else request_name(identity)
            return _started(await self.core.start_verification.again(settled.user_id, request))

        return await once(call, self.core.once, context_of(call, call.target), work=work, replay=replay)

    async def confirm(self, call: Call) -> Answer:
        """Confirm a verification by its code or its token."""
        read_query(call)
        body = await read_body(call, Confirmation)
        command = _confirmation(call, body)

        async def work(context: CommandContext) -> Answer:
            return user_answer(await self.core.confirm_verification(command, context))

        async def replay(settled: Settled) -> Answer:
            return user_answer(await self.core.read_past.at_version(settled.user_id, settled.version))

        return await once(call, self.core.once, context_of(call, call.target), work=work, replay=replay)

    async def confirm_by_link(self, call: Call) -> Answer:
        """Confirm a verification for whoever holds its link; no token of the caller's is looked at."""
        read_query(call)
        body = await read_body(call, LinkConfirmation)
        exchange = call.exchange
        # Whose link it is turns out inside, and that user is the one who acts.
        context = CommandContext(
            SYSTEM,
            correlation_id=exchange.request_id,
            causation_id=exchange.request_id,
            traceparent=exchange.traceparent,
        )
        verified = await self.core.confirm_by_link(ConfirmByLinkCommand(Secret(body.token)), context)
        return json_answer(render_confirmed(verified))


def _started(verification: Verification) -> Answer:
    return json_answer(render_verification(verification), status=201)


def _command(user_id: UserId, body: NewVerification) -> StartVerificationCommand | RecordVerificationCommand:
    """Return what the body asks for.

    Raises:
        RequestRefusedError: fields of an identity are missing there, or stand elsewhere.
    """
    channel = VerificationChannel(body.channel)
    if channel is not VerificationChannel.IDENTITY:
        foreign = [name for name in _OF_IDENTITIES if getattr(body, name) is not ABSENT]
        if foreign:
            raise _refused(*((name, "not_by_code", "leave it out: a code is sent") for name in foreign))
        return StartVerificationCommand(user_id, channel)
    verifier, reference, at = given(body.verifier), given(body.reference), given(body.verified_at)
    if verifier is None or reference is None:
        raise missing_field("verifier" if verifier is None else "reference")
    return RecordVerificationCommand(user_id, channel, verifier, reference, None if at is None else _utc(at))


def _confirmation(call: Call, body: Confirmation) -> ConfirmVerificationCommand:
    code, token = given(body.code), given(body.token)
    if (code is None) == (token is None):
        raise _refused(*((name, "one_of", "give the code or the token: one of them") for name in ("code", "token")))
    verification_id = EventId(call.params["verificationId"].lower())
    proof = Secret(code if token is None else token)
    return ConfirmVerificationCommand(call.target, verification_id, proof, by_link=token is not None)


_WIRE: Final = {"verified_at": "verifiedAt"}


def _refused(*problems: tuple[str, str, str]) -> RequestRefusedError:
    fields = (FieldProblem("/" + _WIRE.get(name, name), code, detail) for name, code, detail in problems)
    return RequestRefusedError(BODY_INVALID, errors=tuple(fields))


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise _refused(("verified_at", "not_a_time", "give a time that exists in UTC")) from None
