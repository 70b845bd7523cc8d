"""Register and list the purposes."""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ports import Clock
from usercore.preferences.values import WORDING_MAX_CHARS
from usercore.privacy.consents.errors import PurposeInvalidError
from usercore.privacy.consents.ports import PurposeRegistry
from usercore.privacy.consents.values import SALE, Purpose, parse_purpose_name
from usercore.users.values import ValueRejectedError, parse_text

TITLE_MAX_CHARS: Final = 100
DESCRIPTION_MAX_CHARS: Final = 500


@frozen
class RegisterPurposeCommand:
    """Add a purpose, or change the one of this name."""

    name: str
    title: str
    wording_version: str
    description: str = ""


@frozen
class RegisterPurpose:
    """Registers purposes of consents."""

    purposes: PurposeRegistry
    clock: Clock

    async def __call__(self, command: RegisterPurposeCommand) -> Purpose:
        """Return the purpose as it now stands.

        Raises:
            PurposeInvalidError: a field breaks its rule.
        """
        purpose = Purpose(
            name=_read("name", parse_purpose_name, command.name),
            title=_read("title", _line(TITLE_MAX_CHARS), command.title),
            description=_read("description", _line(DESCRIPTION_MAX_CHARS, 0), command.description),
            wording_version=_read("wording_version", _line(WORDING_MAX_CHARS), command.wording_version),
            registered_at=self.clock.now(),
        )
        await self.purposes.put(purpose)
        return purpose


def _line(max_chars: int, min_chars: int = 1) -> Callable[[str], str]:
    return lambda raw: parse_text(raw, max_chars=max_chars, min_chars=min_chars)


def _read(name: str, parse: Callable[[str], str], raw: str) -> str:
    try:
        return parse(raw)
    except ValueRejectedError as error:
        violation = Violation((name,), error.code, error.detail)
        raise PurposeInvalidError(violations=(violation,)) from None


@frozen
class ListPurposes:
    """Lists purposes by name."""

    purposes: PurposeRegistry

    async def __call__(self) -> Sequence[Purpose]:
        """Return every purpose: those that are registered, and the sale of data in any case."""
        return await every_purpose(self.purposes)


async def every_purpose(registry: PurposeRegistry) -> Sequence[Purpose]:
    """Return the registered purposes and :data:`SALE`, by name."""
    known = {SALE.name: SALE} | {purpose.name: purpose for purpose in await registry.all()}
    return [known[name] for name in sorted(known)]
