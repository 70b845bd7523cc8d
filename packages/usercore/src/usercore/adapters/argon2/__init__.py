"""Password hashing by the argon2-cffi library: extra `passwords`."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from argon2.low_level import Type, hash_secret
from attrs import define, field

from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.secret import Secret
from usercore.kernel.tracing import step
from usercore.settings.sections import PasswordSettings
from usercore.users.ports import PasswordHasher

__all__ = ["Argon2Hasher"]

TIME_COST: Final = 3
"""Passes. Source: RFC 9106, 4, second recommended option; likewise the next four."""
MEMORY_KIB: Final = 65_536
LANES: Final = 4
SALT_BYTES: Final = 16
TAG_BYTES: Final = 32


@define(eq=False)
class Argon2Hasher:
    """Hashes in threads of its own, so that the event loop stays free; the work is bounded.

    Use it as an async context manager, or let its threads end with the process.

    Args:
        settings: how many passwords are hashed at once (64 MiB each), and how many may wait.
    """

    settings: PasswordSettings = field(factory=PasswordSettings)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)
    _unfinished: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Prepare the threads; each starts when it is first needed."""
        self._pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="argon2")

    async def __aenter__(self) -> Self:
        """Return the hasher."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being hashed and give up what waits."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def hash(self, password: Secret) -> Secret:
        """Return Argon2id in PHC string format, without holding up the event loop.

        Raises:
            ExhaustedError: too many passwords wait to be hashed.
            UnavailableError: the hasher is closed.
        """
        self._enter()
        try:
            work = self._pool.submit(_hash, password.reveal())
        except RuntimeError as error:
            self._leave()
            raise UnavailableError("the service is stopping") from error
        # Counted until it ends, not until the caller gives up: a caller who left frees no thread.
        work.add_done_callback(lambda _: self._leave())
        with step("hash password"):
            return Secret(await asyncio.wrap_future(work))

    def _enter(self) -> None:
        with self._lock:
            if self._unfinished >= self.settings.threads + self.settings.queue:
                raise ExhaustedError("too many passwords wait to be hashed; try again later")
            self._unfinished += 1

    def _leave(self) -> None:
        with self._lock:
            self._unfinished -= 1


def _hash(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hash_secret(password.encode(), salt, TIME_COST, MEMORY_KIB, LANES, TAG_BYTES, Type.ID)
    return digest.decode("ascii")


if TYPE_CHECKING:
    _hasher: PasswordHasher = Argon2Hasher()
