r"""Headers as they go over the wire.

The standard library's own folding loses blanks between encoded words (Python 3.11 and 3.12) and writes long addresses
of lists in encoded words, which nobody takes for addresses. What is folded here is folded by RFC 2047 alone.
"""

import re
from email.header import Header
from email.policy import EmailPolicy
from typing import Any, Final

from usercore.adapters.smtp.texts import one_line
from usercore.settings import Mailbox

_LINE_MAX: Final = 76
"""Source: RFC 2047, 2: no line with an encoded word is longer."""
_PLAIN = re.compile(r"[ -~]*", re.ASCII)
# Source: RFC 5322, 2.2: printable ASCII; 2.2.3: a line goes on where the next begins with a blank.
_ON_THE_WIRE = re.compile(r"(?:[ -~]|\r\n [!-~])*", re.ASCII)


def text_value(name: str, text: str) -> str:
    """Return the value of a header that people read, such as a subject.

    Args:
        name: of the header.
        text: whatever it says; line breaks become blanks.
    """
    line = one_line(text)
    if _PLAIN.fullmatch(line) and "=?" not in line and len(name) + 2 + len(line) <= _LINE_MAX:
        return line
    return _encoded(name, line)


def mailbox_value(name: str, mailbox: Mailbox) -> str:
    """Return the value of a header that holds one address.

    Args:
        name: of the header.
        mailbox: an ASCII address, with whatever name.
    """
    shown = one_line(mailbox.name)
    if not shown:
        return mailbox.address
    if _PLAIN.fullmatch(shown) and "=?" not in shown and len(shown) <= _LINE_MAX // 2:
        escaped = shown.replace("\\", r"\\").replace('"', r"\"")  # Source: RFC 5322, 3.2.4: quoted-string
        return f'"{escaped}" <{mailbox.address}>'
    # Source: RFC 2047, 5 (3): an encoded word stands for a word of a phrase, and never inside quotes.
    return f"{_encoded(name, shown)}\r\n <{mailbox.address}>"


def _encoded(name: str, line: str) -> str:
    return Header(line, "utf-8", maxlinelen=_LINE_MAX, header_name=name).encode(linesep="\r\n")


class WirePolicy(EmailPolicy):
    """Writes headers as they were set; those that describe the parts (MIME) are the standard library's."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:  # noqa: ANN401 -- as the base class has it
        """Keep a header as it is.

        Raises:
            ValueError: it would not stay one header.
        """
        if _is_of_the_parts(name):
            return super().header_store_parse(name, value)
        if not _ON_THE_WIRE.fullmatch(value):
            message = f"the header {name} holds what no header may"
            raise ValueError(message)
        return name, value

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 -- the same
        """Return the header's lines."""
        if _is_of_the_parts(name):
            return super().fold_binary(name, value)
        return f"{name}: {value}{self.linesep}".encode("ascii")


def _is_of_the_parts(name: str) -> bool:
    return name.lower() in {"content-type", "content-transfer-encoding", "content-disposition", "mime-version"}
