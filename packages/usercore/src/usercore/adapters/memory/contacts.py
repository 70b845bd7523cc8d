"""Email addresses by the standard library alone: the plain ones that nearly everybody has."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.users.ports import EmailRules
from usercore.users.values import EMAIL_MAX_CHARS, EmailAddress, ValueRejectedError, fold_ascii

LOCAL_PART_MAX_CHARS: Final = 64
"""Source: RFC 5321, 4.5.3.1.1."""
DOMAIN_MAX_CHARS: Final = 253
"""Source: RFC 1035, 2.3.4, 255 octets less the final dot and the root label."""
UNDELIVERABLE_TLDS: Final = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
"""Source: RFC 6761, 6.1 to 6.4; RFC 6762, 3; RFC 7686, 2: names that no mail on the Internet can reach."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
# Source: RFC 5322, 3.2.3, dot-atom-text.
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
# Source: RFC 1123, 2.1. A third and fourth character of `--` is an A-label or reserved: RFC 5890, 2.3.1.
_LABEL: Final = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[^.]*[A-Za-z]\Z){_LABEL}", re.ASCII)


@frozen
class PlainEmailRules:
    """Accepts a subset of what the email-validator based rules accept, with the same canonical form."""

    def parse(self, raw: str) -> EmailAddress:
        """Return the trimmed address with its canonical form.

        Raises:
            ValueRejectedError: `email_invalid`.
        """
        address = raw.strip()
        if not address.isascii():
            raise _rejected("install usercore[contacts] for internationalised domains")
        local, at, domain = address.rpartition("@")
        if not at or len(address) > EMAIL_MAX_CHARS or not _is_plain(local, domain):
            raise _rejected("write the address as in name@example.com")
        return EmailAddress(address, fold_ascii(address))


def _is_plain(local: str, domain: str) -> bool:
    return len(local) <= LOCAL_PART_MAX_CHARS and _LOCAL_PART.fullmatch(local) is not None and _is_plain_domain(domain)


@lru_cache(maxsize=4096)
def _is_plain_domain(domain: str) -> bool:
    """Tell of a domain; most people's addresses are of few."""
    return (
        len(domain) <= DOMAIN_MAX_CHARS
        and _DOMAIN.fullmatch(domain) is not None
        and domain.rpartition(".")[2].lower() not in UNDELIVERABLE_TLDS
    )


def _rejected(detail: str) -> ValueRejectedError:
    return ValueRejectedError("email_invalid", detail)


if TYPE_CHECKING:
    _rules: EmailRules = PlainEmailRules()
