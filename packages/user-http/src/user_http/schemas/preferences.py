"""Email preferences on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from user_http.schemas.users import LINE
from usercore.preferences.values import SOURCE_MAX_CHARS, WORDING_MAX_CHARS


class TopicChoice(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What a user says of one topic."""

    subscribed: bool
    source: (
        Annotated[str, Meta(min_length=1, max_length=SOURCE_MAX_CHARS, pattern=LINE, examples=["preference-center"])]
        | UnsetType
        | None
    ) = UNSET
    wording_version: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=WORDING_MAX_CHARS,
                pattern=LINE,
                description="What the user had been shown; the topic's current wording if left out.",
            ),
        ]
        | UnsetType
        | None
    ) = UNSET


class EmailPreferencesPatch(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What a user says of some topics, by topic name; the others stay as they are."""

    topics: dict[str, TopicChoice]
