"""Take in what a person asks."""

from attrs import field, frozen

from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.privacy.requests.errors import RequestInvalidError
from usercore.privacy.requests.model import Asked, PrivacyRequest, RequestId
from usercore.privacy.requests.noting import Notes
from usercore.privacy.requests.policy import RequestPolicy
from usercore.privacy.requests.scheduling import first_run
from usercore.privacy.requests.texts import optional_text
from usercore.privacy.requests.values import IdentityCheck, IdentityMethod, Jurisdiction, RequestKind
from usercore.users.history import present
from usercore.users.intake import ProfilePatch, changed_profile
from usercore.users.model import User
from usercore.users.ports import EmailRules


@frozen
class MakePrivacyRequestCommand:
    """Ask something of a person's data.

    Args:
        user_id: whose.
        kind: what.
        jurisdiction: whose law is to hold.
        text: in the person's words.
        patch: of a rectification: the values that are right.
        signed_in: the person asks by themselves, and signed in just before.
        identity_note: how an operator found that the person is who they say; None where nobody has looked yet.
    """

    user_id: UserId
    kind: RequestKind
    jurisdiction: Jurisdiction = Jurisdiction.GDPR
    text: str | None = field(default=None, repr=False)
    patch: ProfilePatch | None = field(default=None, repr=False)
    signed_in: bool = False
    identity_note: str | None = field(default=None, repr=False)


@frozen
class MakePrivacyRequest:
    """Takes requests in. Asking for the same again, while it is open, finds the request that is there."""

    notes: Notes
    emails: EmailRules
    policy: RequestPolicy
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: MakePrivacyRequestCommand, context: CommandContext) -> PrivacyRequest:
        """Return the request: accepted where it is known who asks, else waiting for that.

        Raises:
            UserNotFoundError, UserErasedError: nobody to ask about.
            UserMergedError: the account was merged into another; ask about that.
            RequestInvalidError: a text breaks its rule, or a patch does not belong to what is asked.
            ProfileInvalidError: the values that are said to be right break their rules.
        """
        now = self.clock.now()
        user = await present(self.notes.users, command.user_id)
        asked = self._asked(command, user)
        new = PrivacyRequest.receive(
            RequestId(self.ids.event_id()),
            user.id,
            command.kind,
            command.jurisdiction,
            now=now,
            zone=self.policy.zone,
            actor=context.actor,
            asked=asked,
        )
        request = new.checked(self._identity(command, user, context.actor))
        run_at = first_run(request, self.policy, now)
        noted = await self.notes.noted(request, "PrivacyRequestReceived", context, run_at=run_at)
        return await self.notes.requests.add(noted)

    def _asked(self, command: MakePrivacyRequestCommand, user: User) -> Asked:
        text = optional_text("text", command.text)
        if command.patch is not None and command.kind is not RequestKind.RECTIFICATION:
            raise _invalid("profile", "only_rectification", "values go with a rectification alone")
        if command.kind is RequestKind.RECTIFICATION and command.patch is None and text is None:
            raise _invalid("text", "required", "say what is wrong, or give the values that are right")
        if command.patch is not None:
            changed_profile(command.patch, user.profile, self.emails, self.clock.now().date())
        return Asked(text, command.patch)

    def _identity(self, command: MakePrivacyRequestCommand, user: User, actor: Actor) -> IdentityCheck | None:
        now = self.clock.now()
        own = actor == Actor(ActorKind.USER, user.id)
        if own and command.signed_in:
            return IdentityCheck(IdentityMethod.SIGNED_IN, now, actor)
        if own and user.verification.identity is not None:
            return IdentityCheck(IdentityMethod.VERIFIED_IDENTITY, now, actor)
        note = None if own else optional_text("identityNote", command.identity_note)
        return None if note is None else IdentityCheck(IdentityMethod.CHECKED_BY_OPERATOR, now, actor, note)


def _invalid(name: str, code: str, detail: str) -> RequestInvalidError:
    return RequestInvalidError(violations=(Violation((name,), code, detail),))
