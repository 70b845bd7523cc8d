"""From rows to changes, by the rules that single creations and updates keep. Nothing here asks a server."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum, auto
from typing import Final

from attrs import define, field, frozen

from usercore.bulk.imports.creations import Creation, profile_of, user_of
from usercore.bulk.imports.hashes import parse_password_hash
from usercore.bulk.imports.values import ImportKey, ImportMode, ImportOptions, ImportRow, RowError, Tally
from usercore.kernel.context import CommandContext
from usercore.kernel.errors import InvalidError, UserCoreError, Violation
from usercore.kernel.ports import IdGenerator
from usercore.kernel.secret import Secret
from usercore.users.attribute_rules import AttributeRules
from usercore.users.attributes import AttributeSchema
from usercore.users.errors import (
    EmailTakenError,
    ExternalIdTakenError,
    ProfileInvalidError,
    UserErasedError,
    UsernameTakenError,
)
from usercore.users.intake import changed_profile, new_profile
from usercore.users.model import Profile, Transition, User
from usercore.users.ports import Change, Credential, EmailRules, name_in
from usercore.users.values import AccountState, ValueRejectedError

_UNANNOUNCED: Final = Credential(None, announced=False)
_FIELDS: Final[Mapping[type[UserCoreError], str]] = {
    EmailTakenError: "/email",
    UsernameTakenError: "/username",
    ExternalIdTakenError: "/externalId",
}
"""Which field stands in the way."""


class Fate(StrEnum):
    """What becomes of a row."""

    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    SKIPPED = auto()
    FAILED = auto()


@frozen
class Draft:
    """What a row comes to if nothing stands in its way.

    Args:
        row: itself.
        fate: what becomes of it.
        change: what is to be written, or None.
        rests_on: the place of the draft before it that made its user what it is taken for, or None.
        refusal: why it fails.
    """

    row: ImportRow
    fate: Fate
    change: Change | Creation | None = None
    rests_on: int | None = None
    refusal: UserCoreError | None = None


@frozen
class Judge:
    """Judges rows.

    Args:
        options: of the import.
        emails: the rules for addresses.
        attributes: the rules for attributes.
        schema: the schema of attributes in force.
        ids: makes ids.
        context: who imports, because of what.
    """

    options: ImportOptions
    emails: EmailRules
    attributes: AttributeRules
    schema: AttributeSchema | None
    ids: IdGenerator
    context: CommandContext

    def key_of(self, row: ImportRow) -> str | None:
        """Return what a row's user is known by, in the form under which it is unique; None where the row has none."""
        if row.violations:
            return None
        raw = row.patch.email if self.options.by is ImportKey.EMAIL else row.patch.external_id
        if not isinstance(raw, str):
            return None
        if self.options.by is ImportKey.EXTERNAL_ID:
            return raw.strip()
        try:
            return self.emails.parse(raw).canonical
        except ValueRejectedError:
            return None

    def drafts(self, rows: Sequence[ImportRow], existing: Mapping[str, User], now: datetime) -> Sequence[Draft]:
        """Return what each row comes to.

        Args:
            rows: in their order.
            existing: the users whose keys the rows have, by key.
            now: aware, UTC.
        """
        if self.options.mode is ImportMode.INSERT:
            return [self._draft(row, None, now) for row in rows]
        return _Following(self, {**existing}, now).drafts(rows)

    def _draft(self, row: ImportRow, found: User | None, now: datetime) -> Draft:
        try:
            return self.created(row, now) if found is None else self.updated(row, found, now)
        except UserCoreError as error:
            return Draft(row, Fate.FAILED, refusal=error)

    def created(self, row: ImportRow, now: datetime) -> Draft:
        """Return the draft of a row whose user is new.

        Raises:
            UserCoreError: why it is none.
        """
        profile, hashed = self._profile(row, now)
        self.attributes.check_against(self.schema, profile.attributes)
        user_id = self.ids.user_id()
        if not self.options.invite:
            return Draft(row, Fate.CREATED, Creation(user_id, self.ids.event_id(), profile, now, self.context, hashed))
        step = User.create(user_id, profile, now=now, actor=self.context.actor)
        return Draft(row, Fate.CREATED, self._change(step, Credential(hashed)))

    def _profile(self, row: ImportRow, now: datetime) -> tuple[Profile, Secret | None]:
        found = list(row.violations)
        hashed = _hash(row, found)
        if row.violations:
            raise ProfileInvalidError(violations=tuple(found))
        try:
            profile = new_profile(row.patch, self.emails, now.date())
        except ProfileInvalidError as error:
            raise ProfileInvalidError(violations=(*error.violations, *found)) from None
        if self.options.by is ImportKey.EXTERNAL_ID and profile.external_id is None:
            found.append(Violation(("external_id",), "required", "give a value: it says whose row it is"))
        if found:
            raise ProfileInvalidError(violations=tuple(found))
        return profile, hashed

    def updated(self, row: ImportRow, user: User, now: datetime) -> Draft:
        """Return the draft of a row whose user exists.

        Raises:
            UserCoreError: why it is none.
        """
        if user.status.state is AccountState.ERASED:
            raise UserErasedError
        user.require_unrestricted()
        user.require_active()
        profile = changed_profile(row.patch, user.profile, self.emails, now.date())
        if profile.attributes != user.profile.attributes:
            self.attributes.check_against(self.schema, profile.attributes)
        step = user.update(profile, now=now)
        if step is None:
            return Draft(row, Fate.UNCHANGED)
        return Draft(row, Fate.UPDATED, self._change(step, None if self.options.invite else _UNANNOUNCED))

    def _change(self, step: Transition, credential: Credential | None) -> Change:
        return Change(
            user=step.user,
            event_id=self.ids.event_id(),
            event=step.event,
            changes=step.changes,
            context=self.context,
            credential=credential,
        )


@define
class _Following:
    """Judges rows of which one may be about a user whom another before it has made or changed."""

    judge: Judge
    users: dict[str, User | Change | Creation]
    now: datetime
    made_at: dict[str, int] = field(factory=dict)

    def drafts(self, rows: Iterable[ImportRow]) -> Sequence[Draft]:
        return [self._draft(place, row) for place, row in enumerate(rows)]

    def _draft(self, place: int, row: ImportRow) -> Draft:
        key = self.judge.key_of(row)
        found = None if key is None else self.users.get(key)
        rests_on = None if key is None else self.made_at.get(key)
        try:
            draft = self._judged(row, found)
        except UserCoreError as error:
            return Draft(row, Fate.FAILED, rests_on=rests_on, refusal=error)
        if draft.change is not None:
            self._follow(place, draft.change, key)
        return Draft(row, draft.fate, draft.change, rests_on)

    def _judged(self, row: ImportRow, found: User | Change | Creation | None) -> Draft:
        if found is None:
            return self.judge.created(row, self.now)
        if self.judge.options.mode is ImportMode.SKIP:
            return Draft(row, Fate.SKIPPED)
        return self.judge.updated(row, user_of(found), self.now)

    def _follow(self, place: int, step: Change | Creation, key: str | None) -> None:
        """Remember what a user is by now, by the key that the user has by now."""
        after = name_in(profile_of(step), self.judge.options.by.lookup)
        for name in {key, after} - {None}:
            if name is not None:
                self.made_at[name] = place
                self.users.pop(name, None)
        if after is not None:
            self.users[after] = step


def _hash(row: ImportRow, found: list[Violation]) -> Secret | None:
    if row.password_hash is None:
        return None
    try:
        return parse_password_hash(row.password_hash.reveal())
    except ValueRejectedError as error:
        found.append(Violation(("password_hash",), error.code, error.detail))
        return None


def tally_of(fates: Iterable[Fate]) -> Tally:
    """Return how often each fate stands there."""
    counts = dict.fromkeys(Fate, 0)
    for fate in fates:
        counts[fate] += 1
    return Tally(
        created=counts[Fate.CREATED],
        updated=counts[Fate.UPDATED],
        unchanged=counts[Fate.UNCHANGED],
        skipped=counts[Fate.SKIPPED],
        failed=counts[Fate.FAILED],
    )


def row_errors(line: int, refusal: UserCoreError) -> Sequence[RowError]:
    """Return what is wrong with a row, one line for each rule that it breaks."""
    if isinstance(refusal, InvalidError) and refusal.violations:
        return [RowError(line, one.code, _pointer(one.path), one.detail) for one in refusal.violations]
    return [RowError(line, refusal.code, _FIELDS.get(type(refusal), ""), str(refusal))]


def _pointer(path: Sequence[str]) -> str:
    """Return a JSON Pointer to a field; below `attributes` the names are the caller's own."""
    own = path[:1] == ("attributes",)
    return "".join(f"/{_escaped(step if own else _camel(step))}" for step in path)


def _escaped(step: str) -> str:
    """Return a step of a JSON Pointer. Source: RFC 6901, section 3."""
    return step.replace("~", "~0").replace("/", "~1")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
