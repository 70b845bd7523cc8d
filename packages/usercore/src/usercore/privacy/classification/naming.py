"""Under which names personal data goes about, so that whoever meets such a name knows what stands beside it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from usercore.privacy.classification.declaring import ClassifiedColumn
from usercore.privacy.classification.register import COLUMNS
from usercore.privacy.classification.values import Exported, Sensitivity

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KNOWN_NAMES: Final = 4096
"""Bounds what is remembered of names, some of which are not ours."""
_SECRETS: Final = (("password",), ("passwd",), ("passphrase",), ("secret",), ("authorization",), ("token",))
"""What no column of ours holds in the clear, and callers send nevertheless."""


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def _personal() -> Iterator[str]:
    plain = [column for column in COLUMNS.values() if not column.sensitivity.is_personal]
    # A facet of several columns is personal if each of them is; and no more than the parts that are, if not.
    open_names = {column.name for column in plain} | {column.facet for column in plain}
    for column in COLUMNS.values():
        if column.sensitivity.is_personal:
            yield column.name
            parts = {column.facet, _part(column)} - open_names
            yield from filter(None, parts)


def _part(column: ClassifiedColumn) -> str:
    """Return what a column is called within the object that the wire makes of several."""
    name = column.export.name if isinstance(column.export, Exported) else ""
    return name.rpartition(".")[2] if "." in name else ""


_PERSONAL: Final = frozenset(filter(None, map(_words, _personal())))
"""Each of them whole: ``reason`` is one, ``operator_reason`` is none."""
_WITHIN: Final = frozenset(
    (*_SECRETS, *(_words(column.name) for column in COLUMNS.values() if column.sensitivity is Sensitivity.CONTACT))
)
"""In any longer name as well: ``new_email``, ``email_before``."""


@lru_cache(maxsize=_KNOWN_NAMES)
def is_personal(name: str) -> bool:
    """Return whether a name is that of personal data: of a column, of the domain or of the wire, however it is spelt.

    ``first_name``, ``firstName``, ``FIRST-NAME`` and ``old.email`` are; ``user_id`` is not: it says nothing by itself.
    """
    words = _words(name)
    if words in _PERSONAL:
        return True
    return any(words[start : start + len(within)] == within for within in _WITHIN for start in range(len(words)))
