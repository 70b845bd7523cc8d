"""What comes of two accounts: field by field, by rules that anybody can follow.

The survivor's value stays; where it has none, the merged account's is taken, and the caller may name fields to be taken
in any case. What somebody said no to on either side stays said.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve, frozen

from usercore.kernel.errors import Violation
from usercore.merging.errors import MergeInvalidError
from usercore.merging.values import FieldChoice, MergePlan, Origin, Unsubscription, Withdrawal
from usercore.preferences.ports import PreferencesReader
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.ports import ConsentLedger
from usercore.privacy.consents.values import LedgerEntry
from usercore.users.attribute_rules import AttributeRules
from usercore.users.attributes import Json, parse_attributes
from usercore.users.errors import ProfileInvalidError
from usercore.users.model import Profile, User, Verification
from usercore.users.values import ValueRejectedError

_PLAIN: Final = ("first_name", "last_name", "phone_number", "address", "locale", "time_zone", "birth_date")
_NAMES: Final = ("email", "username", "external_id")
ATTRIBUTES: Final = "attributes"
_MEMBER: Final = ATTRIBUTES + "."
TAKEABLE: Final = (*_NAMES, *_PLAIN, ATTRIBUTES)
"""Fields that a caller may take from the merged account, and ``attributes.`` with the name of one of them."""


@frozen
class Planner:
    """Says what a merge would bring about; nothing is changed."""

    preferences: PreferencesReader
    consents: ConsentLedger
    attributes: AttributeRules

    async def __call__(self, survivor: User, merged: User, take: frozenset[str]) -> MergePlan:
        """Return the plan.

        Args:
            survivor: the account that stays.
            merged: the one that goes into it.
            take: domain names of fields to be taken from the merged account wherever it has them.

        Raises:
            MergeInvalidError: a field to be taken is none, or cannot be taken alone.
            ProfileInvalidError: the attributes of both together break their rules.
        """
        _check(survivor, merged, take)
        profile, left = _profiles(survivor.profile, merged.profile, take)
        if profile.attributes != survivor.profile.attributes:
            await self.attributes.check(profile.attributes)
        said = await self.preferences.get_many([survivor.id, merged.id])
        own = await self.consents.latest(survivor.id, up_to_version=survivor.version)
        other = await self.consents.latest(merged.id, up_to_version=merged.version)
        return MergePlan(
            survivor=survivor,
            merged=merged,
            profile=profile,
            left=left,
            verification=_verification(survivor, merged, profile),
            restricted=survivor.restricted or merged.restricted,
            fields=tuple(_choices(survivor.profile, merged.profile, profile)),
            unsubscribed=tuple(_unsubscribed(said[survivor.id], said[merged.id])),
            withdrawn=tuple(_withdrawn(own, other)),
        )


def _check(survivor: User, merged: User, take: frozenset[str]) -> None:
    if survivor.id == merged.id:
        detail = "name two accounts"
        raise MergeInvalidError(violations=(Violation(("merged_user_id",), "same_user", detail),))
    unknown = [name for name in take if name not in TAKEABLE and not name.startswith(_MEMBER)]
    if unknown:
        # The names are the caller's text, and are not repeated.
        raise MergeInvalidError(violations=(Violation(("take",), "unknown_field", "name fields of a profile"),))
    if "username" in take and "email" not in take and merged.profile.uses_email_as_username:
        detail = "the username is the merged account's email: take email as well"
        raise MergeInvalidError(violations=(Violation(("take",), "username_foreign_email", detail),))


def _profiles(survivor: Profile, merged: Profile, take: frozenset[str]) -> tuple[Profile, Profile]:
    """Return both profiles as they are afterwards."""
    chosen: dict[str, Any] = {name: _either(survivor, merged, name, take) for name in _PLAIN}
    names, rest = _names(survivor, merged, take)
    attributes = _attributes(survivor.attributes, merged.attributes, take)
    return evolve(survivor, **chosen, **names, attributes=attributes), evolve(merged, **rest)


def _either(survivor: Profile, merged: Profile, name: str, take: frozenset[str]) -> object:
    own, other = getattr(survivor, name), getattr(merged, name)
    return other if own is None or (name in take and other is not None) else own


def _names(survivor: Profile, merged: Profile, take: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is unique, of the survivor and of the other: what one gives up the other has, never anybody else."""
    pairs = {name: (getattr(survivor, name), getattr(merged, name)) for name in _NAMES}
    for name, (own, other) in pairs.items():
        if other is not None and (own is None or name in take):
            pairs[name] = other, own
    ours, theirs = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    for names in (ours, theirs):
        # A username that is an email is that of its own account.
        if "@" in names["username"]:
            names["username"] = names["email"].address
    return ours, theirs


def _attributes(own: Mapping[str, Json], other: Mapping[str, Json], take: frozenset[str]) -> Mapping[str, Json]:
    taken = {key: value for key, value in other.items() if ATTRIBUTES in take or _MEMBER + key in take}
    together = {**other, **own, **taken}
    if together == own:
        return own
    try:
        return parse_attributes(together)
    except ValueRejectedError as error:
        violation = Violation((ATTRIBUTES,), error.code, error.detail)
        raise ProfileInvalidError(violations=(violation,)) from None


def _verification(survivor: User, merged: User, profile: Profile) -> Verification:
    """Return what is known of the survivor's contacts: a proof counts for the contact that it is about."""
    own, other = survivor.verification, merged.verification
    emails = ((survivor.profile.email.canonical, own.email), (merged.profile.email.canonical, other.email))
    phones = ((survivor.profile.phone_number, own.phone), (merged.profile.phone_number, other.phone))
    return Verification(
        email=max((at for contact, at in emails if contact == profile.email.canonical and at), default=None),
        phone=max((at for contact, at in phones if contact == profile.phone_number and at), default=None),
        identity=own.identity,
    )


def _choices(survivor: Profile, merged: Profile, profile: Profile) -> Iterator[FieldChoice]:
    for name in TAKEABLE:
        own, other, chosen = (getattr(one, name) for one in (survivor, merged, profile))
        if own != other or chosen != own:
            origin = Origin.SURVIVOR if chosen == own else Origin.MERGED if chosen == other else Origin.BOTH
            yield FieldChoice(name, origin, own, other, chosen)


def _unsubscribed(own: Mapping[str, EmailPreference], other: Mapping[str, EmailPreference]) -> Iterator[Unsubscription]:
    """Yield the topics that the merged account left and the survivor did not say the same of."""
    for topic, said in sorted(other.items()):
        if not said.subscribed and (topic not in own or own[topic].subscribed):
            yield Unsubscription(own.get(topic), said)


def _withdrawn(own: Mapping[str, LedgerEntry], other: Mapping[str, LedgerEntry]) -> Iterator[Withdrawal]:
    """Yield the purposes that the merged account refused and the survivor did not."""
    for purpose, entry in sorted(other.items()):
        before = own[purpose].consent if purpose in own else None
        if not entry.consent.given and (before is None or before.given):
            yield Withdrawal(before, entry.consent)
