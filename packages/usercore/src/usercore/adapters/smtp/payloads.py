"""Members of a delivery's payload, read with suspicion: other versions of this service may have written them."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from usercore.adapters.smtp.addresses import ascii_address
from usercore.adapters.smtp.errors import LetterInvalidError
from usercore.adapters.smtp.texts import is_web_address, one_line


@frozen
class Payload:
    """Reads members, and names the one that cannot be used, never its value.

    Args:
        members: as JSON has them.
    """

    members: Mapping[str, object] = field(repr=False)

    def text(self, name: str) -> str | None:
        """Return a text on one line, None where it is missing or empty."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, str):
            raise LetterInvalidError(f"{name}: write text")
        return None if value is None else one_line(value) or None

    def recipient(self) -> str:
        """Return the address to write to."""
        address = ascii_address(self.text("email") or "")
        if address is None:
            raise LetterInvalidError("email: write an address that SMTP takes")
        return address

    def link(self, name: str) -> str | None:
        """Return a web address."""
        value = self.text(name)
        if value is not None and not is_web_address(value):
            raise LetterInvalidError(f"{name}: write a web address")
        return value

    def moment(self, name: str) -> datetime | None:
        """Return an aware time."""
        value = self.text(name)
        try:
            at = None if value is None else datetime.fromisoformat(value)
        except ValueError:
            raise LetterInvalidError(f"{name}: write a time with its zone") from None
        if at is not None and at.tzinfo is None:
            raise LetterInvalidError(f"{name}: write a time with its zone")
        return at

    def amount(self, name: str) -> Mapping[str, str] | None:
        """Return an amount of money."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise LetterInvalidError(f"{name}: write value and currency")
        inner = Payload(value)
        digits, currency = inner.text("value"), inner.text("currency")
        if digits is None or currency is None:
            raise LetterInvalidError(f"{name}: write value and currency")
        return {"value": digits, "currency": currency}
