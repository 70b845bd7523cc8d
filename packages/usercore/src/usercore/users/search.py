"""The words by which a user is found. Computed here alone, so that every store agrees."""

import re
import unicodedata
from typing import Final

from usercore.users.values import ValueRejectedError

_BREAK = re.compile(r"[\W_]+")
WORD_MAX_CHARS: Final = 100
QUERY_MAX_WORDS: Final = 10


# Letters folded, digits as they are, all else a blank.
_ASCII_WORDS: Final = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}


def words_of(*texts: str | None) -> tuple[str, ...]:
    """Return the distinct words of the texts, folded and sorted.

    Text is folded by compatibility form (NFKC) and case; letters and digits make words, all else
    parts them. Longer words are cut at :data:`WORD_MAX_CHARS`.
    """
    joined = " ".join([text for text in texts if text])
    if joined.isascii():  # nearly always; then both foldings are lower case
        return tuple(sorted({word[:WORD_MAX_CHARS] for word in joined.translate(_ASCII_WORDS).split()}))
    folded = (unicodedata.normalize("NFKC", text).casefold() for text in texts if text)
    found = {word[:WORD_MAX_CHARS] for text in folded for word in _BREAK.split(text) if word}
    return tuple(sorted(found))


def query_words(query: str) -> tuple[str, ...]:
    """Return the words of a search, each to be the beginning of a user's word.

    Raises:
        ValueRejectedError: `search_without_words` or `search_too_long`.
    """
    words = words_of(query)
    if not words:
        raise ValueRejectedError("search_without_words", "give at least one letter or digit")
    if len(words) > QUERY_MAX_WORDS:
        raise ValueRejectedError("search_too_long", f"search for at most {QUERY_MAX_WORDS} words")
    return words
