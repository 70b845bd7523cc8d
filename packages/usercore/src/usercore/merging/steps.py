"""The steps of two lives that make a merge: each of them an ordinary one, which everybody who listens knows."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.changes import FieldChange
from usercore.kernel.context import CommandContext
from usercore.kernel.ports import IdGenerator
from usercore.preferences.events import PreferencesRecord, UserEmailPreferencesUpdated
from usercore.preferences.get_email_preferences import FACET as PREFERENCE
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.events import ConsentRecord, UserConsentChanged
from usercore.privacy.consents.record_consent import FACET as CONSENT
from usercore.privacy.consents.values import Consent, LedgerEntry
from usercore.users.model import Transition, User
from usercore.users.ports import Change

SOURCE: Final = "merge"
"""The source of what is said for a survivor because the merged account had said it."""
UNDONE: Final = "merge-undone"
"""The source of what is said for a survivor again because it had said it before a merge."""


@frozen
class Steps:
    """Makes changes of steps, one after the other. Those that come before the last settle nothing."""

    ids: IdGenerator
    context: CommandContext

    @property
    def _beside(self) -> CommandContext:
        return evolve(self.context, claim=None, receipt=None)

    def plain(self, transition: Transition) -> Change:
        """Return the change of a step that writes nothing else."""
        return Change(
            user=transition.user,
            event_id=self.ids.event_id(),
            event=transition.event,
            changes=transition.changes,
            context=self._beside,
        )

    def preferences(
        self, after: User, before: Mapping[str, EmailPreference | None], said: tuple[EmailPreference, ...]
    ) -> Change:
        """Return the change by which a user says something of topics."""
        return Change(
            user=after,
            event_id=self.ids.event_id(),
            event=UserEmailPreferencesUpdated(after.id, after.updated_at, said),
            changes=tuple(FieldChange(PREFERENCE + one.topic, before.get(one.topic), one) for one in said),
            context=self._beside,
            records=(PreferencesRecord(after.id, said),),
        )

    def consent(self, after: User, before: Consent | None, said: Consent, proof: str | None = None) -> Change:
        """Return the change by which a user says something of a purpose."""
        entry = LedgerEntry(after.id, after.version, said, self.context.actor, proof)
        return Change(
            user=after,
            event_id=self.ids.event_id(),
            event=UserConsentChanged(after.id, said.purpose, said.given, said.wording_version, said.at),
            changes=(FieldChange(CONSENT + said.purpose, before, said),),
            context=self._beside,
            records=(ConsentRecord(entry),),
        )
