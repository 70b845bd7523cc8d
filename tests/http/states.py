"""States of an account that no operation here brings about."""

from attrs import evolve

from usercore.adapters.memory.database import MemoryDatabase
from usercore.codec.profile import profile_document
from usercore.kernel.ids import UserId
from usercore.users.values import AccountState


def erase(database: MemoryDatabase, user_id: str) -> None:
    """Leave a user as an erasure does."""
    put(database, user_id, AccountState.ERASED)


def put(database: MemoryDatabase, user_id: str, state: AccountState) -> None:
    """Put a user into a state."""
    user = database.users[UserId(user_id)]
    changed = evolve(user, status=evolve(user.status, state=state))
    database.users[user.id] = changed
    database.documents[user.id] = profile_document(changed)
