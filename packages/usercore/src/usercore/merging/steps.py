"""The steps of two lives that make a merge: each of them an ordinary one, which everybody who listens knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from usercore.kernel.changes import FieldChange
from usercore.kernel.context import CommandContext
from usercore.kernel.events import Record
from usercore.kernel.ids import EventId
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
class Words:
    """What a survivor says because of a merge, or of its end, each behind what it had said before.

    Args:
        topics: of mail.
        purposes: to which it consents, or not.
        proofs: of consents, by the purpose's name.
    """

    topics: Sequence[tuple[EmailPreference | None, EmailPreference]]
    purposes: Sequence[tuple[Consent | None, Consent]]
    proofs: Mapping[str, str | None] = field(factory=dict, repr=False)


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

    def closing(self, event_id: EventId, transition: Transition, record: Record, along: Sequence[Change]) -> Change:
        """Return the change of the last step, which settles what is to be settled, along with all others."""
        plain = self.plain(transition)
        return evolve(plain, event_id=event_id, context=self.context, records=(record,), along=tuple(along))

    def words(self, user: User, said: Words, source: str, *, now: datetime, as_asked: bool = False) -> list[Change]:
        """Return the changes by which a user says something of topics at once, and of purposes one by one.

        Args:
            user: before.
            said: what.
            source: how it comes to be said.
            now: aware, UTC.
            as_asked: a deactivated account says it as well.
        """
        made: list[Change] = []
        if said.topics:
            user = user.touch(now=now, as_asked=as_asked)
            before = {one.topic: earlier for earlier, one in said.topics}
            spoken = tuple(evolve(one, source=source, at=user.updated_at) for _, one in said.topics)
            made.append(self._preferences(user, before, spoken))
        for earlier, one in said.purposes:
            user = user.touch(now=now, as_asked=as_asked)
            again = evolve(one, source=source, at=user.updated_at)
            made.append(self._consent(user, earlier, again, said.proofs.get(one.purpose)))
        return made

    def _preferences(
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

    def _consent(self, after: User, before: Consent | None, said: Consent, proof: str | None) -> Change:
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
