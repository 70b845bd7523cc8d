"""Email topics, and what users said of them."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    NOBODY,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Category, Purpose, Recipient, RetentionClass

FACET: Final = "email_preferences."
"""What history calls a preference: this and the topic's name."""

TOPICS: Final = table(
    "email_topics",
    about="The sorts of mail that people may ask for",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.ADMINISTRATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(
        plain("name"),
        plain("title"),
        plain("description"),
        plain("mandatory"),
        plain("subscribed_by_default"),
        plain("wording_version"),
        plain("registered_at"),
    ),
)

PREFERENCES: Final = table(
    "email_preferences",
    about="What people said of each email topic",
    subject=Subject("user_id"),
    section="emailPreferences",
    portable=True,
    category=Category.PREFERENCES,
    purposes=(Purpose.TOPIC_MAIL,),
    retention=RetentionClass.ACCOUNT,
    erasure=DELETE,
    recipients=(Recipient.CONSUMERS,),
    columns=(
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("topic", facet=FACET),
        personal("subscribed", facet=FACET),
        plain("source", facet=FACET),
        plain("said_at", facet=FACET, as_="updatedAt"),
        plain("wording_version", facet=FACET),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (TOPICS, PREFERENCES)
