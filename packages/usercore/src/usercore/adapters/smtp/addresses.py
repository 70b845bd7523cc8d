"""Addresses as SMTP takes them: ASCII local parts, and domains as A-labels."""

import re

import idna

from usercore.settings import Mailbox

# Source: RFC 5321, 4.1.2, Dot-string of atoms; 4.5.3.1 for the lengths.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*", re.ASCII)
_LOCAL_MAX = 64
_DOMAIN_MAX = 255


def ascii_address(address: str) -> str | None:
    """Return an address whose domain is written in A-labels (RFC 5890), or None where none can be made of it."""
    local, _, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local) or len(local) > _LOCAL_MAX:
        return None
    try:
        encoded = idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None
    return f"{local}@{encoded}" if len(encoded) <= _DOMAIN_MAX else None


def ascii_mailbox(mailbox: Mailbox) -> Mailbox:
    """Return a mailbox with its address as SMTP takes it.

    Raises:
        ValueError: it has none.
    """
    address = ascii_address(mailbox.address)
    if address is None:
        message = "the address cannot be used: its local part is not ASCII, or its domain none that the DNS allows"
        raise ValueError(message)
    return Mailbox(address, mailbox.name)
