"""Hashed passwords from elsewhere: of which form they must be. Nobody here can tell whether one is right."""

import re
from typing import Final

from usercore.kernel.secret import Secret
from usercore.users.values import ValueRejectedError

HASH_MAX_CHARS: Final = 1024
"""Ten times what the longest of these forms takes with usual parameters."""

_B64: Final = r"[A-Za-z0-9+/.]+={0,2}"
# Source: the PHC string format, github.com/P-H-C/phc-string-format; RFC 9106 for argon2id's parameters; the modular
# crypt format of bcrypt, 22 characters of salt and 31 of hash; passlib for pbkdf2 and scrypt, whose rounds stand bare.
_FORMS: Final = (
    re.compile(rf"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\${_B64}\${_B64}", re.ASCII),
    re.compile(r"\$2[abxy]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", re.ASCII),
    re.compile(rf"\$scrypt\$ln=\d+,r=\d+,p=\d+\${_B64}\${_B64}", re.ASCII),
    re.compile(rf"\$pbkdf2(?:-sha(?:1|256|512))?\$(?:i=\d+(?:,l=\d+)?|\d+)\${_B64}\${_B64}", re.ASCII),
)


def parse_password_hash(raw: str) -> Secret:
    """Return a hashed password in the form of argon2id, bcrypt, scrypt or pbkdf2.

    Raises:
        ValueRejectedError: `password_hash_form`.
    """
    text = raw.strip()
    if len(text) > HASH_MAX_CHARS or not any(form.fullmatch(text) for form in _FORMS):
        detail = "give a PHC string of argon2id, bcrypt, scrypt or pbkdf2, as in $argon2id$v=19$m=65536,t=3,p=4$…$…"
        raise ValueRejectedError("password_hash_form", detail)
    return Secret(text)
