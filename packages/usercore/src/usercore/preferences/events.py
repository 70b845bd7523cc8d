"""What is announced about email preferences."""

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from usercore.kernel.events import Event, Record
from usercore.kernel.ids import UserId
from usercore.preferences.values import EmailPreference


@frozen
class UserEmailPreferencesUpdated(Event):
    """A user said something new of some topics; `preferences` holds just those."""

    message: ClassVar[str] = "UserEmailPreferencesUpdated"

    updated_at: datetime
    preferences: tuple[EmailPreference, ...]


@frozen
class PreferencesRecord(Record):
    """What a user now says of some topics, to be kept in place of what they said before."""

    user_id: UserId
    preferences: tuple[EmailPreference, ...]
