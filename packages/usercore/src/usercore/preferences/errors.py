"""What can go wrong with email preferences."""

from typing import ClassVar

from attrs import define

from usercore.kernel.errors import InvalidError


@define(auto_exc=True, eq=False)
class PreferencesInvalidError(InvalidError):
    """Preferences name an unknown topic or break a rule; `violations` names each."""

    code: ClassVar[str] = "preferences_invalid"
    summary: ClassVar[str] = "Some preferences are not valid"


@define(auto_exc=True, eq=False)
class TopicInvalidError(InvalidError):
    """An email topic breaks a rule; `violations` names each."""

    code: ClassVar[str] = "topic_invalid"
    summary: ClassVar[str] = "The email topic is not valid"
