"""What comes of undoing a merge: what it changed goes back, but for what was changed since.

What was there before stands in the histories of the two, sealed with their keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from attrs import evolve, frozen

from usercore.kernel.changes import FieldChange
from usercore.merging.errors import MergeTermOverError
from usercore.merging.planning import ATTRIBUTES
from usercore.merging.values import Kept, KeptBack, Merge, Restored, UndoPlan
from usercore.preferences.get_email_preferences import FACET as PREFERENCE
from usercore.preferences.ports import PreferencesReader
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.ports import ConsentLedger
from usercore.privacy.consents.record_consent import FACET as CONSENT
from usercore.privacy.consents.values import Consent
from usercore.users.model import AccountStatus, Profile, User, Verification
from usercore.users.ports import HistoryReader

T = TypeVar("T")

_CHANNELS: Final = {"email": "email", "phone": "phone_number", "identity": None}
"""The contact that each proof is about."""
_NAMES: Final = frozenset({"email", "username"})


@frozen
class UndoPlanner:
    """Says what undoing a merge would bring about; nothing is changed."""

    history: HistoryReader
    preferences: PreferencesReader
    consents: ConsentLedger

    async def __call__(self, merge: Merge, survivor: User, merged: User) -> UndoPlan:
        """Return the plan.

        Raises:
            MergeTermOverError: what it would take is not kept any more.
        """
        changes = await self._of_survivor(merge)
        ended = {one.field: one for one in await self._of(merged, merge.merged_version)}
        status = ended["status"].before
        if not isinstance(status, AccountStatus):
            raise MergeTermOverError
        back = _taken_back(merged.profile, ended)
        profile, fields, kept = _profile(survivor.profile, changes)
        said = (await self.preferences.get_many([survivor.id]))[survivor.id]
        preferences, kept_preferences = _words(PREFERENCE, EmailPreference, changes, said)
        latest = await self.consents.latest(survivor.id, up_to_version=survivor.version)
        allowed = {purpose: entry.consent for purpose, entry in latest.items()}
        consents, kept_consents = _words(CONSENT, Consent, changes, allowed)
        return UndoPlan(
            merge=merge,
            survivor=survivor,
            merged=merged,
            profile=profile,
            verification=_verification(survivor, changes, fields),
            back=back,
            back_verification=_verification_before(merged, ended),
            status=status,
            fields=fields,
            preferences=preferences,
            consents=consents,
            proofs=await self._proofs(merge) if consents else {},
            kept=(*kept, *kept_preferences, *kept_consents, *_kept_otherwise(changes, ended)),
        )

    async def _of_survivor(self, merge: Merge) -> Mapping[str, FieldChange]:
        """Return what the merge changed of the survivor, by facet."""
        steps = merge.survivor_version - merge.survivor_before
        entries = await self.history.entries(merge.survivor, below_version=merge.survivor_version + 1, limit=steps)
        if len(entries) < steps:
            raise MergeTermOverError
        return {change.field: change for entry in entries for change in entry.changes}

    async def _of(self, merged: User, version: int) -> Iterable[FieldChange]:
        entry = await self.history.entry(merged.id, version)
        if entry is None or not entry.changes:
            raise MergeTermOverError
        return entry.changes

    async def _proofs(self, merge: Merge) -> Mapping[str, str | None]:
        """Return the proofs of what the survivor had said of purposes before."""
        before = await self.consents.latest(merge.survivor, up_to_version=merge.survivor_before)
        return {purpose: entry.proof for purpose, entry in before.items()}


def _profile(now: Profile, changes: Mapping[str, FieldChange]) -> tuple[Profile, tuple[str, ...], tuple[KeptBack, ...]]:
    """Return a profile with its values of before, which fields have them, and which do not."""
    values: dict[str, Any] = {}
    kept = []
    for name, change in changes.items():
        if not hasattr(now, name):
            continue
        if getattr(now, name) == change.after:
            values[name] = change.before
        else:
            kept.append(KeptBack(name, Kept.CHANGED_SINCE))
    if ATTRIBUTES in changes and ATTRIBUTES not in values:
        values[ATTRIBUTES] = _members(now.attributes, changes[ATTRIBUTES])
    profile = evolve(now, **values)
    if profile.uses_email_as_username:
        # A username that is an email is that of its own account.
        profile = evolve(profile, username=profile.email.address)
    return profile, tuple(name for name in values if getattr(profile, name) != getattr(now, name)), tuple(kept)


def _members(now: Mapping[str, Any], change: FieldChange) -> Mapping[str, Any]:
    """Return attributes without what the merge put there and nobody changed since."""
    before, after = _mapping(change.before), _mapping(change.after)
    members = dict(now)
    for key, value in after.items():
        if before.get(key) != value and now.get(key) == value:
            members.pop(key)
            members |= {key: before[key]} if key in before else {}
    return {key: members[key] for key in sorted(members)}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _taken_back(now: Profile, ended: Mapping[str, FieldChange]) -> Profile:
    values: dict[str, Any] = {name: change.before for name, change in ended.items() if hasattr(now, name)}
    return evolve(now, **values)


def _verification(survivor: User, changes: Mapping[str, FieldChange], fields: tuple[str, ...]) -> Verification:
    """Return what is known of the survivor's contacts: of one that goes back, what was known of it before."""
    now, change = survivor.verification, changes.get("verification")
    before = change.before if change and isinstance(change.before, Verification) else Verification()
    after = change.after if change and isinstance(change.after, Verification) else None
    values = {}
    for channel, contact in _CHANNELS.items():
        is_of_merge = after is not None and getattr(now, channel) == getattr(after, channel)
        if contact in fields or (contact not in changes and is_of_merge):
            values[channel] = getattr(before, channel)
    return evolve(now, **values)


def _verification_before(merged: User, ended: Mapping[str, FieldChange]) -> Verification:
    before = ended["verification"].before if "verification" in ended else None
    return before if isinstance(before, Verification) else merged.verification


def _words(
    prefix: str, kind: type[T], changes: Mapping[str, FieldChange], said: Mapping[str, T]
) -> tuple[tuple[Restored[T], ...], list[KeptBack]]:
    """Return which words of before hold again, and which do not."""
    restored, kept = [], []
    for facet, change in changes.items():
        if not facet.startswith(prefix):
            continue
        now = said.get(facet.removeprefix(prefix))
        if now is None or now != change.after:
            kept.append(KeptBack(facet, Kept.CHANGED_SINCE))
        elif isinstance(change.before, kind):
            restored.append(Restored(now, change.before))
        else:
            kept.append(KeptBack(facet, Kept.NO_EARLIER_WORD))
    return tuple(restored), kept


def _kept_otherwise(changes: Mapping[str, FieldChange], ended: Mapping[str, FieldChange]) -> Iterator[KeptBack]:
    if "restricted" in changes:
        yield KeptBack("restricted", Kept.STRICTER_STAYS)
    if not _NAMES.isdisjoint(ended):
        yield KeptBack("credential", Kept.CREDENTIAL_REMOVED)
