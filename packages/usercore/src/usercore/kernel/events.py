"""The base of everything that is announced."""

from typing import ClassVar

from attrs import frozen

from usercore.kernel.ids import UserId


@frozen
class Event:
    """Something that happened to one user. Leaves are named in the past tense.

    `message` is the name in the event catalogue, under which it is published.
    """

    message: ClassVar[str]

    user_id: UserId


class Record:
    """Rows of another feature that must be written together with a change of the user.

    A leaf belongs to its feature; the SQL and memory writers know one handler per leaf.
    """

    __slots__ = ()
