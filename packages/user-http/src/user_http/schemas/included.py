"""A profile with what else was asked for."""

from msgspec import UNSET, UnsetType

from user_http.schemas.activity import ActivitySummary
from usercore.codec.documents import EmailPreferences, User


class UserWithIncluded(User, kw_only=True):
    """A user's profile, with the email preferences and the summary of the activity where they were asked for."""

    email_preferences: EmailPreferences | UnsetType = UNSET
    activity: ActivitySummary | UnsetType = UNSET
