"""Merges of duplicate accounts on the wire."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from user_http.schemas.users import LINE
from usercore.codec.documents import Actor, Time
from usercore.codec.merging import TAKEABLE_FIELDS
from usercore.kernel.reasons import REASON_MAX_CHARS

TAKEN_MAX: Final = 50
_FIELD_MAX_CHARS: Final = 255
UserIdInput = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        description="The id of an account.",
        examples=["01932f70-4e21-7b6d-8a3f-6c1d9e0b2a47"],
    ),
]
Field = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_FIELD_MAX_CHARS,
        pattern=LINE,
        description=f"One of {', '.join(TAKEABLE_FIELDS)}, or `attributes.` with the name of one of them.",
        examples=["phoneNumber"],
    ),
]
Taken = Annotated[
    list[Field],
    Meta(max_length=TAKEN_MAX, description="Fields that come from the merged account even where both have them."),
]
Reason = Annotated[
    str, Meta(min_length=1, max_length=REASON_MAX_CHARS, pattern=LINE, examples=["the same person, ticket 17"])
]


class MergeToPreview(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A merge that is only thought of."""

    merged_user_id: UserIdInput
    take: Taken = []


class NewMerge(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The account that goes into the one of the path, and why."""

    merged_user_id: UserIdInput
    take: Taken = []
    reason: Reason


class MergedField(Struct, rename="camel", kw_only=True):
    """A field in which the two accounts differ."""

    field: str
    from_: Annotated[
        Literal["SURVIVOR", "MERGED", "BOTH"], Meta(description="Whose value stays; `BOTH`: members of either.")
    ]
    own: Annotated[Any, Meta(description="The survivor's value.")]
    other: Annotated[Any, Meta(description="The merged account's value.")]
    result: Annotated[Any, Meta(description="The survivor's value afterwards.")]


class MergePreview(Struct, rename="camel", kw_only=True):
    """What a merge would bring about."""

    user_id: Annotated[str, Meta(description="The account that stays.")]
    merged_user_id: str
    version: Annotated[int, Meta(ge=1, description="The survivor's version now.")]
    fields: list[MergedField]
    unsubscribed_topics: list[str]
    withdrawn_consents: list[str]
    restricted: Annotated[bool, Meta(description="Whether the survivor's data is restricted afterwards.")]
    moved_facts: Annotated[int, Meta(ge=0, description="Orders, payments and points that move to the survivor.")]


class MergeUndone(Struct, rename="camel", kw_only=True):
    """How a merge was taken back."""

    at: Time
    by: Actor
    reason: str


class Merge(Struct, rename="camel", kw_only=True):
    """One account that was merged into another."""

    id: str
    user_id: Annotated[str, Meta(description="The account that stayed.")]
    merged_user_id: str
    version: Annotated[int, Meta(ge=1, description="The survivor's version that the merge made.")]
    merged_at: Time
    by: Actor
    reason: str
    undoable_until: Annotated[Time | None, Meta(description="Until when it can be undone.")]
    undone: MergeUndone | None


class UndoneField(Struct, rename="camel", kw_only=True):
    """A field of the survivor's that gets its value of before back."""

    field: str
    now: Any
    result: Any


class KeptBack(Struct, rename="camel", kw_only=True):
    """Something that stays as the merge, or somebody since, has made it."""

    what: Annotated[str, Meta(description="A field, `emailPreferences.` or `consents.` with a name, or `credential`.")]
    why: Literal["CHANGED_SINCE", "NO_EARLIER_WORD", "STRICTER_STAYS", "CREDENTIAL_REMOVED"]


class UndoPreview(Struct, rename="camel", kw_only=True):
    """What undoing a merge would bring about, and what not."""

    user_id: Annotated[str, Meta(description="The account that had stayed.")]
    merged_user_id: str
    version: Annotated[int, Meta(ge=1, description="The survivor's version now.")]
    fields: list[UndoneField]
    resubscribed_topics: list[str]
    restored_consents: list[str]
    status: Annotated[Literal["ACTIVE", "DEACTIVATED"], Meta(description="Where the merged account stands again.")]
    returned_facts: Annotated[int, Meta(ge=0, description="Orders, payments and points that go back.")]
    kept: list[KeptBack]


class UndoInput(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Why a merge is taken back."""

    reason: Reason


class PairDismissed(Struct, rename="camel", kw_only=True):
    """How somebody found that two accounts are two people's."""

    at: Time
    by: Actor
    reason: str


class MergeCandidate(Struct, rename="camel", kw_only=True):
    """Two accounts that may be one person's."""

    user_id: Annotated[str, Meta(description="The older account.")]
    other_user_id: str
    score: Annotated[float, Meta(ge=0, le=1, description="How likely it is by the signs alone.")]
    signs: list[
        Literal[
            "SAME_MAILBOX",
            "SAME_NAME_AND_BIRTH_DATE",
            "SIMILAR_EXTERNAL_ID",
            "SAME_PHONE",
            "SAME_ADDRESS_AND_LAST_NAME",
        ]
    ]
    found_at: Time
    dismissed: PairDismissed | None


class MergeCandidatePage(Struct, rename="camel", kw_only=True):
    """Some pairs of accounts, the likeliest first."""

    items: list[MergeCandidate]
    next_cursor: str | None


class TwoPeople(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Two accounts that are two people's, and how it is known."""

    user_id: UserIdInput
    other_user_id: UserIdInput
    reason: Reason


class MergeList(Struct, rename="camel", kw_only=True):
    """The merges that an account was part of, the newest first."""

    items: list[Merge]
    next_cursor: None
