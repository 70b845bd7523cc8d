"""`userctl user verify`: prove a contact, or take note of what somebody else has verified."""

from collections.abc import Iterator
from typing import Annotated

from attrs import frozen
from cyclopts import Parameter

from user_cli.commands.options import AsJson, Named, Reason, UserIdOption, found
from user_cli.failures import UsageError
from user_cli.inputs import optional_moment
from user_cli.output import show_json, show_pairs
from user_cli.session import Session, open_session
from usercore.codec.verifications import verification_started
from usercore.kernel.ids import UserId
from usercore.users.values import VerificationChannel
from usercore.verification.record_verification import RecordVerificationCommand
from usercore.verification.start_verification import StartVerificationCommand
from usercore.verification.values import Verification

__all__ = ["verify"]

_IDENTITY = VerificationChannel.IDENTITY


@Parameter(name="*")
@frozen
class Outside:
    """What an outside verifier says of an identity.

    Args:
        verifier: who verified the identity.
        reference: the verifier's own name for the proof; it should say nothing of the person.
        verified_at: when the identity was verified; now if left out.
    """

    verifier: str | None = None
    reference: str | None = None
    verified_at: str | None = None


async def verify(
    user_id: UserIdOption = None,
    *,
    named: Named = Named(),  # noqa: B008 - frozen
    channel: VerificationChannel,
    outside: Outside = Outside(),
    force: Annotated[bool, Parameter(help="Vouch for the contact yourself: nothing is sent; needs --reason.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Send a user a code and a link that prove a contact, or record what was verified otherwise.

    For email and phone the user is sent a new code and link, and earlier ones no longer serve. An identity is verified
    by somebody else: say who, and what they call their proof. With --force you vouch for an email or a phone number
    yourself; who you are and your reason are kept.

    ```
    userctl user verify 0199d6a8-7a54-7bd5-9b3c-1c3f7c0a4a11 --channel email
    userctl user verify --email grace@example.com --channel identity --verifier PostIdent --reference case-4711
    userctl user verify --email grace@example.com --channel phone --force --reason "called back, ticket 17"
    ```

    Args:
        user_id: the user's id.
        named: another name, in place of the id.
        channel: what to verify: email, phone or identity.
        outside: what an outside verifier says of an identity.
        force: record the contact as verified.
        reason: why you vouch for it.
        as_json: write the verification as JSON.
    """
    if channel is _IDENTITY and (None in (outside.verifier, outside.reference) or force or reason is not None):
        raise UsageError("an identity needs --verifier and --reference, and takes no --force and no --reason")
    if channel is not _IDENTITY and outside != Outside():
        raise UsageError("--verifier, --reference and --verified-at are for --channel identity")
    if force != (reason is not None):
        raise UsageError("--force and --reason belong together")
    at = optional_moment("--verified-at", outside.verified_at)
    async with open_session() as session:
        ident = await found(session.core, user_id, named)
        verifier = str(session.context.actor) if force else outside.verifier
        reference = reason if force else outside.reference
        if verifier is None or reference is None:
            done = await _start(session, ident, channel)
        else:
            command = RecordVerificationCommand(ident, channel, verifier, reference, at)
            done = await session.core.record_verification(command, session.context)
    _show(done, as_json=as_json)


async def _start(session: Session, user_id: UserId, channel: VerificationChannel) -> Verification:
    return await session.core.start_verification(StartVerificationCommand(user_id, channel), session.context)


def _show(verification: Verification, *, as_json: bool) -> None:
    wire = verification_started(verification)
    if as_json:
        show_json(wire)
    else:
        show_pairs(_given(wire))


def _given(wire: dict[str, object]) -> Iterator[tuple[str, object]]:
    return ((name, value) for name, value in wire.items() if value is not None)
