"""Put addresses on the suppression list, take them off, and look."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ports import Clock, KeyedHasher
from usercore.privacy.mailing.errors import SuppressionInvalidError
from usercore.privacy.mailing.ports import SuppressionList
from usercore.privacy.mailing.values import Lifting, Suppression, SuppressionReason
from usercore.users.ports import EmailRules
from usercore.users.values import EmailAddress, ValueRejectedError, parse_text

V = TypeVar("V")

SUPPRESSION_SOURCE_MAX_CHARS: Final = 100
BECAUSE_MAX_CHARS: Final = 500
_HASHED: Final = "suppression"
"""The purpose of the keyed hash."""


@frozen
class Addresses:
    """Knows addresses by their hashes: however its owner writes it, an address has one."""

    keyed: KeyedHasher
    emails: EmailRules

    async def hash_of(self, raw: str) -> bytes:
        """Return the hash of an address as somebody wrote it.

        Raises:
            SuppressionInvalidError: it is no email.
            UnavailableError: the key cannot be read.
        """
        return await self.hash_of_known(_read("email", self.emails.parse, raw))

    async def hash_of_known(self, address: EmailAddress) -> bytes:
        """Return the hash of an address that was read before.

        Raises:
            UnavailableError: the key cannot be read.
        """
        return await self.keyed.digest(_HASHED, address.canonical)


@frozen
class SuppressCommand:
    """Write to an address no more.

    Args:
        email: the address; it is not kept.
        reason: why.
        source: who or what says so; None means: the caller.
    """

    email: str = field(repr=False)
    reason: SuppressionReason
    source: str | None = None


@frozen
class Suppress:
    """Puts addresses on the list. Doing it twice is doing it once."""

    suppressions: SuppressionList
    addresses: Addresses
    clock: Clock

    async def __call__(self, command: SuppressCommand, context: CommandContext) -> bool:
        """Return whether it was not there for this reason.

        Raises:
            SuppressionInvalidError: it is no email, or the source breaks its rule.
        """
        said = command.source if command.source is not None else str(context.actor)
        source = _read("source", _line(SUPPRESSION_SOURCE_MAX_CHARS), said)
        hashed = await self.addresses.hash_of(command.email)
        return await self.suppressions.add(hashed, Suppression(command.reason, self.clock.now(), source))


@frozen
class SuppressErased:
    """Puts the addresses of people who are erased on the list."""

    suppressions: SuppressionList
    addresses: Addresses

    async def suppress(self, email: EmailAddress, *, at: datetime, context: CommandContext) -> None:
        """Put an address on the list; one that is there stays.

        Raises:
            UnavailableError: the database does not answer.
        """
        suppression = Suppression(SuppressionReason.ERASED, at, str(context.actor))
        await self.suppressions.add(await self.addresses.hash_of_known(email), suppression)


@frozen
class LiftSuppressionCommand:
    """Let an address be written to again.

    Args:
        email: the address.
        because: why it may be; kept.
        reason: which reason ends; None means all.
    """

    email: str = field(repr=False)
    because: str
    reason: SuppressionReason | None = None


@frozen
class LiftSuppression:
    """Takes addresses off the list; who did, when and why is kept."""

    suppressions: SuppressionList
    addresses: Addresses
    clock: Clock

    async def __call__(self, command: LiftSuppressionCommand, context: CommandContext) -> int:
        """Return how many reasons ended.

        Raises:
            SuppressionInvalidError: it is no email, or nobody said why.
        """
        because = _read("because", _line(BECAUSE_MAX_CHARS), command.because)
        hashed = await self.addresses.hash_of(command.email)
        lifting = Lifting(self.clock.now(), str(context.actor), because)
        return await self.suppressions.lift(hashed, command.reason, lifting)


@frozen
class CheckSuppression:
    """Says why an address must not be written to."""

    suppressions: SuppressionList
    addresses: Addresses

    async def __call__(self, email: str) -> Sequence[Suppression]:
        """Return the reasons that stand, none for an address that may be written to.

        Raises:
            SuppressionInvalidError: it is no email.
        """
        return await self.suppressions.reasons(await self.addresses.hash_of(email))

    async def known(self, address: EmailAddress) -> Sequence[Suppression]:
        """Return the reasons against an address that was read before."""
        return await self.suppressions.reasons(await self.addresses.hash_of_known(address))


def _line(max_chars: int) -> Callable[[str], str]:
    return lambda raw: parse_text(raw, max_chars=max_chars)


def _read(name: str, parse: Callable[[str], V], raw: str) -> V:
    try:
        return parse(raw)
    except ValueRejectedError as error:
        violation = Violation((name,), error.code, error.detail)
        raise SuppressionInvalidError(violations=(violation,)) from None
