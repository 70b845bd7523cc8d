"""What a message is, and what one may ask for."""

from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from usercore.activity.facts import Fact
from usercore.kernel.ids import UserId
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.read_users import UserNamed
from usercore.users.update_user import UpdateUserCommand


class MessageKind(StrEnum):
    """What sort of message: each is answered in a way of its own."""

    COMMAND = "command"
    QUERY = "query"
    EVENT = "event"
    REPLY = "reply"
    STATE = "state"


@frozen
class PreferencesOf:
    """Asks for the email preferences of a user."""

    user_id: UserId


Request: TypeAlias = CreateUserCommand | UpdateUserCommand | DeactivateUserCommand | UserNamed | PreferencesOf | Fact
"""What a message that was read asks for, or tells."""
