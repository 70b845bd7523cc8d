"""Email addresses by the email-validator library: extra `contacts`."""

from typing import TYPE_CHECKING

from attrs import frozen
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from usercore.adapters.memory.contacts import PlainEmailRules
from usercore.users.ports import EmailRules
from usercore.users.values import EMAIL_MAX_CHARS, EmailAddress, ValueRejectedError, fold_ascii

__all__ = ["ValidatedEmailRules", "parse_by_library"]

_PLAIN = PlainEmailRules()


@frozen
class ValidatedEmailRules:
    """Accepts what can be delivered everywhere: an ASCII local part, and any domain that IDNA 2008 allows.

    Nothing is asked of the DNS. Nearly every address is a plain one, and passes by the plain rules at a tenth of
    the cost; a property test holds that the library accepts each of those alike.
    """

    def parse(self, raw: str) -> EmailAddress:
        """Return the trimmed address with its canonical form.

        Raises:
            ValueRejectedError: `email_invalid`.
        """
        try:
            return _PLAIN.parse(raw)
        except ValueRejectedError:
            return parse_by_library(raw)


def parse_by_library(raw: str) -> EmailAddress:
    """Return the trimmed address with its canonical form, whatever sort of address it is.

    Raises:
        ValueRejectedError: `email_invalid`.
    """
    address = raw.strip()
    if len(address) > EMAIL_MAX_CHARS:
        raise _rejected(f"write at most {EMAIL_MAX_CHARS} characters")
    try:
        valid = validate_email(address, allow_smtputf8=False, strict=True, check_deliverability=False)
    except EmailNotValidError:
        # Its message repeats the address, so it goes no further.
        raise _rejected("write the address as in name@example.com") from None
    return EmailAddress(address, _canonical(valid))


def _canonical(valid: ValidatedEmail) -> str:
    return f"{fold_ascii(valid.local_part)}@{valid.ascii_domain.lower()}"


def _rejected(detail: str) -> ValueRejectedError:
    return ValueRejectedError("email_invalid", detail)


if TYPE_CHECKING:
    _rules: EmailRules = ValidatedEmailRules()
