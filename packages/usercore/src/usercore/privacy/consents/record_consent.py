"""Take note that a user gives or withdraws a consent."""

from typing import Final

from attrs import evolve, field, frozen

from usercore.kernel.changes import FieldChange
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ids import UserId
from usercore.kernel.ports import Clock, IdGenerator
from usercore.preferences.values import SOURCE_MAX_CHARS, WORDING_MAX_CHARS
from usercore.privacy.consents.errors import ConsentInvalidError
from usercore.privacy.consents.events import ConsentRecord, UserConsentChanged
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.consents.purposes import every_purpose
from usercore.privacy.consents.values import PROOF_MAX_CHARS, Consent, LedgerEntry, Purpose
from usercore.users.model import User
from usercore.users.ports import Change
from usercore.users.stepping import UserStepper
from usercore.users.values import ValueRejectedError, parse_text

FACET: Final = "consents."
"""What history calls a consent: this and the purpose's name."""


@frozen
class RecordConsentCommand:
    """Say something of one purpose. Withdrawing takes no more than giving.

    Args:
        user_id: whose consent.
        purpose: the purpose's name.
        given: whether the user allows it.
        wording_version: the text that they had been shown; None means: the text of today.
        source: where they said so; None means: through this caller.
        proof: a reference to the evidence, or its text.
        expected_version: refuse if this is not the user's version; None takes any.
    """

    user_id: UserId
    purpose: str
    given: bool
    wording_version: str | None = None
    source: str | None = None
    proof: str | None = field(default=None, repr=False)
    expected_version: int | None = None


@frozen
class RecordedConsent:
    """What holds of one purpose, at one version of the user."""

    version: int
    entry: LedgerEntry


@frozen
class RecordConsent:
    """Adds to the ledger; each new line is a version of the user."""

    step: UserStepper
    ledger: ConsentLedger
    purposes: PurposeRegistry
    clock: Clock
    ids: IdGenerator

    async def __call__(self, command: RecordConsentCommand, context: CommandContext) -> RecordedConsent:
        """Return what holds after it; what was said already adds nothing.

        A consent is said again where it is given for another wording or with another proof. A withdrawal is final
        until a consent is given, and is taken of a deactivated user as well.

        Raises:
            UserNotFoundError, UserErasedError, UserMergedError: no user to change.
            UserDeactivatedError: a consent is given for a deactivated user.
            UserRestrictedError: a consent is given while the use of the data is restricted.
            StaleVersionError: `expected_version` is not the current one.
            ConsentInvalidError: an unknown purpose, or a field breaks its rule.
        """
        purpose = await self._purpose(command.purpose)
        held: LedgerEntry | None = None
        as_asked = not command.given or context.privacy_request is not None

        async def act(user: User) -> Change | None:
            nonlocal held
            now = self.clock.now()
            after = user.touch(now=now, as_asked=as_asked)
            # Of the very version that was loaded: a line that another writer added since makes the commit fail.
            before = (await self.ledger.latest(user.id, up_to_version=user.version)).get(purpose.name)
            entry = _entry(command, purpose, context, after)
            held = before if before is not None and _says(before, entry) else entry
            return None if held is before else self._change(after, before, entry, context)

        # Whoever restricted the use of their data may withdraw all the same.
        allowed = context if command.given else evolve(context, for_privacy=True)
        user = await self.step(command.user_id, act, expected=command.expected_version, context=allowed)
        if held is None:
            message = "a step always acts"
            raise RuntimeError(message)
        return RecordedConsent(user.version, held)

    async def _purpose(self, name: str) -> Purpose:
        known = {purpose.name: purpose for purpose in await every_purpose(self.purposes)}
        if name not in known:
            # The name is the caller's text, and is not repeated.
            violation = Violation(("purpose",), "purpose_unknown", "name a purpose that the operator registered")
            raise ConsentInvalidError(violations=(violation,))
        return known[name]

    def _change(self, after: User, before: LedgerEntry | None, entry: LedgerEntry, context: CommandContext) -> Change:
        said = entry.consent
        return Change(
            user=after,
            event_id=self.ids.event_id(),
            event=UserConsentChanged(after.id, said.purpose, said.given, said.wording_version, said.at),
            changes=(FieldChange(FACET + said.purpose, before and before.consent, said),),
            context=context,
            records=(ConsentRecord(entry),),
        )


def _says(old: LedgerEntry, new: LedgerEntry) -> bool:
    """Return whether the ledger says already what a new line would."""
    if not old.consent.given or not new.consent.given:
        return old.consent.given == new.consent.given
    same_wording = old.consent.wording_version == new.consent.wording_version
    return same_wording and new.proof in {None, old.proof}


def _entry(command: RecordConsentCommand, purpose: Purpose, context: CommandContext, after: User) -> LedgerEntry:
    found: list[Violation] = []

    def read(name: str, raw: str, max_chars: int) -> str:
        try:
            return parse_text(raw, max_chars=max_chars)
        except ValueRejectedError as error:
            found.append(Violation((name,), error.code, error.detail))
            return ""

    wording = command.wording_version if command.wording_version is not None else purpose.wording_version
    source = command.source if command.source is not None else context.actor.kind.lower()
    consent = Consent(
        purpose=purpose.name,
        given=command.given,
        wording_version=read("wording_version", wording, WORDING_MAX_CHARS),
        source=read("source", source, SOURCE_MAX_CHARS),
        at=after.updated_at,
    )
    proof = None if command.proof is None else read("proof", command.proof, PROOF_MAX_CHARS)
    if found:
        raise ConsentInvalidError(violations=tuple(found))
    return LedgerEntry(after.id, after.version, consent, context.actor, proof)
