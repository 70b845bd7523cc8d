"""Sealing what is stored: each user's own data key, and the master keys that wrap it.

What is sealed with a user's key is gone for ever once the key is deleted, wherever copies of it lie.
"""

from typing import ClassVar, Protocol

from attrs import define, field, frozen

from usercore.kernel.errors import UnavailableError


@frozen
class WrappedKey:
    """A data key as it is stored.

    Args:
        version: of the master key that opens it.
        sealed: the key, sealed.
    """

    version: int
    sealed: bytes = field(repr=False)


class DataKey(Protocol):
    """Seals texts, each for one place."""

    def seal(self, place: bytes, text: bytes) -> bytes:
        """Return a text sealed for the place where it will stand."""
        ...

    def open(self, place: bytes, sealed: bytes) -> bytes:
        """Return the text that was sealed for a place.

        Raises:
            SealBrokenError: it is not what was sealed there with this key.
        """
        ...

    def mac(self, text: bytes) -> bytes:
        """Return a text's HMAC-SHA256 under this key, 32 bytes."""
        ...


class MasterKeys(Protocol):
    """Wrap data keys. Each master key has a version; the highest wraps what is new."""

    @property
    def current(self) -> int:
        """The version that wraps what is new."""
        ...

    def fresh(self) -> DataKey:
        """Return a new data key that nobody knows."""
        ...

    def wrap(self, owner: str, key: DataKey) -> WrappedKey:
        """Return a data key wrapped for its owner with the current master key."""
        ...

    def unwrap(self, owner: str, wrapped: WrappedKey) -> DataKey:
        """Return the data key of an owner.

        Raises:
            MasterKeyMissingError: the master key of that version was not given to this process.
            SealBrokenError: it is not the owner's, or was wrapped with another key of that version.
        """
        ...


@define(auto_exc=True, eq=False)
class SealBrokenError(UnavailableError):
    """A sealed text was changed, moved, or sealed with another key."""

    code: ClassVar[str] = "seal_broken"
    summary: ClassVar[str] = "Stored data does not open: it was changed, or the master keys are not the right ones"


@define(auto_exc=True, eq=False)
class MasterKeyMissingError(UnavailableError):
    """A data key was wrapped with a master key that this process was not given."""

    code: ClassVar[str] = "master_key_missing"
    summary: ClassVar[str] = "A master key is missing; give the service every version that wraps stored keys"

    version: int = field(default=0, kw_only=True)
