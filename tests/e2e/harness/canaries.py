"""Values that stand for personal data, and the search for them."""

import base64
from typing import Any, Final

MARK: Final = "cnryq7f3"
"""Stands in every canary. Eight letters and digits, so that it fits wherever a word fits."""
PHONE: Final = "+49777333111999"
BIRTH_DATE: Final = "1901-02-03"


def profile(number: int = 0) -> dict[str, Any]:
    """Return a valid body of a create whose every field is a canary."""
    return {
        "email": f"{MARK}.{number}@{MARK}.example",
        "username": f"{MARK}-user-{number}",
        "firstName": f"{MARK} first",
        "lastName": f"{MARK} last",
        "phoneNumber": PHONE,
        "address": {part: f"{MARK} {part}"[:20] for part in ("street", "city", "state", "postalCode", "country")},
        "locale": f"de-x-{MARK}",
        "timeZone": "Europe/Berlin",
        "birthDate": BIRTH_DATE,
        "attributes": {f"{MARK}Key": f"{MARK} value"},
        "externalId": f"{MARK}-external-{number}",
        "password": f"{MARK}-password",
    }


def found_in(text: str) -> list[str]:
    """Return the lines in which a canary shows: as it is, in another case, in hex, or in base64."""
    return [line for line in text.splitlines() if _shows(line)]


def lines_with(word: str, text: str) -> list[str]:
    """Return the lines in which the beginning of a word shows, in one of the same forms."""
    part = word[:8].encode()
    folded, exact = (word[:8].lower(), part.hex()), _base64_of_any_offset(part)
    lines = text.replace("\0", "").splitlines()
    return [line for line in lines if any(t in line.lower() for t in folded) or any(t in line for t in exact)]


def _shows(line: str) -> bool:
    return any(trace in line.lower() for trace in _FOLDED) or any(trace in line for trace in _BASE64)


def _base64_of_any_offset(word: bytes) -> list[str]:
    """Return what of a word's base64 form does not depend on what stands around it."""
    return [base64.b64encode(bytes(offset) + word).decode()[(offset * 4 + 2) // 3 :][:8] for offset in range(3)]


_FOLDED: Final = (
    MARK,
    MARK.encode().hex(),
    PHONE.strip("+"),
    BIRTH_DATE,
)
_BASE64: Final = tuple(trace for word in (MARK, MARK.upper()) for trace in _base64_of_any_offset(word.encode()))
