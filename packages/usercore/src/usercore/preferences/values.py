"""Topics and what a user said of them."""

import re
from datetime import datetime
from typing import Final

from attrs import field, frozen

from usercore.users.values import ValueRejectedError

TOPIC_MAX_CHARS: Final = 50
SOURCE_MAX_CHARS: Final = 50
WORDING_MAX_CHARS: Final = 50
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


@frozen
class EmailTopic:
    """A sort of mail that people may ask for.

    Args:
        name: lower-case words joined by hyphens, at most 50 characters.
        title: for people.
        description: for people.
        mandatory: the contract needs it, so that nobody can unsubscribe.
        subscribed_by_default: what holds for users who never said anything.
        wording_version: names the wording that users are shown now.
        registered_at: aware, UTC.
    """

    name: str
    title: str
    description: str
    mandatory: bool
    subscribed_by_default: bool
    wording_version: str
    registered_at: datetime


@frozen
class EmailPreference:
    """What one user said of one topic.

    Args:
        topic: the topic's name.
        subscribed: whether they want it.
        source: where they said so: ``signup-form``, ``preference-center``.
        at: when; aware, UTC.
        wording_version: what they had been shown.
    """

    topic: str
    subscribed: bool
    source: str
    at: datetime
    wording_version: str


@frozen
class EffectivePreference:
    """What holds for a user and a topic: what they said, or the default.

    Args:
        topic: the topic.
        subscribed: whether mail of this topic is sent.
        said: what the user said, or None.
    """

    topic: EmailTopic
    subscribed: bool
    said: EmailPreference | None


def effective(topic: EmailTopic, said: EmailPreference | None) -> EffectivePreference:
    """Return what holds: a mandatory topic always, else what was said, else the default."""
    wanted = said.subscribed if said is not None else topic.subscribed_by_default
    return EffectivePreference(topic, topic.mandatory or wanted, said)


def parse_topic_name(raw: str) -> str:
    """Return a topic's name.

    Raises:
        ValueRejectedError: `topic_name`.
    """
    if len(raw) > TOPIC_MAX_CHARS or not _SLUG.fullmatch(raw):
        raise ValueRejectedError(
            "topic_name", f"use lower-case words joined by hyphens, at most {TOPIC_MAX_CHARS} characters"
        )
    return raw


@frozen
class PreferenceChoice:
    """What a caller says of one topic.

    Args:
        subscribed: whether the user wants it.
        source: where they said so; None means: through this caller.
        wording_version: what they had been shown; None means: the wording of today.
    """

    subscribed: bool
    source: str | None = field(default=None)
    wording_version: str | None = field(default=None)
