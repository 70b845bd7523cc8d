"""What is told or asked of an account that was merged goes to the one that stands for it now."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from usercore.kernel.ids import UserId
from usercore.users.errors import UserMergedError

T = TypeVar("T")

_TRIES: Final = 10
"""How often a survivor may have been merged itself between two looks."""


async def following(user_id: UserId, work: Callable[[UserId], Awaitable[T]]) -> T:
    """Return what `work` returns for a user, or for whoever the user's account was merged into.

    Raises:
        UserMergedError: nobody stands for the account, or others merge faster than this can follow.
    """
    for _ in range(_TRIES):
        try:
            return await work(user_id)
        except UserMergedError as error:
            if error.survivor is None:
                raise
            user_id = error.survivor
    return await work(user_id)
