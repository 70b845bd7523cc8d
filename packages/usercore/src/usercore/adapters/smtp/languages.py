"""Languages: which templates to look for, and how dates, lengths of time and money are written."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

FALLBACK: Final = "en"
"""Every letter has templates in this one."""

_MONTHS: Final[Mapping[str, str]] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_DAYS: Final[Mapping[str, str]] = {"en": "{day} {month} {year}", "de": "{day}. {month} {year}"}
_SPANS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "en": (("minute", "minutes"), ("hour", "hours"), ("day", "days")),
    "de": (("Minute", "Minuten"), ("Stunde", "Stunden"), ("Tag", "Tage")),
    "fr": (("minute", "minutes"), ("heure", "heures"), ("jour", "jours")),
}
_WITH_COMMA: Final = frozenset({"de", "fr"})
_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
_SHOWN_UP_TO: Final = 2
"""From two whole ones on, a length of time is written in the larger unit."""


def fallbacks(locale: str) -> Iterator[str]:
    """Yield the languages to look for, the wanted one first: ``de-CH-1996``, ``de-CH``, ``de``, ``en``.

    Source: RFC 4647, 3.4 (lookup): the last subtag goes, and with it a single letter before it.
    """
    parts = locale.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()
    yield FALLBACK


def base(locale: str) -> str:
    """Return the language without region and the like: ``de`` for ``de-CH``."""
    return locale.partition("-")[0].lower()


def day(at: datetime, locale: str) -> str:
    """Return a date as people of a language write it; as ISO 8601 has it where we do not know the language."""
    language = base(locale)
    if language not in _MONTHS:
        return at.date().isoformat()
    number = "1er" if language == "fr" and at.day == 1 else str(at.day)
    month = _MONTHS[language].split()[at.month - 1]
    return _DAYS.get(language, "{day} {month} {year}").format(day=number, month=month, year=at.year)


def span(minutes: int, locale: str) -> str:
    """Return a length of time in words: minutes below two hours, hours below two days, else days."""
    units = _SPANS.get(base(locale), _SPANS[FALLBACK])
    if minutes >= _SHOWN_UP_TO * _DAY:
        count, unit = minutes // _DAY, units[2]
    elif minutes >= _SHOWN_UP_TO * _HOUR:
        count, unit = minutes // _HOUR, units[1]
    else:
        count, unit = minutes, units[0]
    return f"{count} {unit[0] if count == 1 else unit[1]}"


def money(value: str, currency: str, locale: str) -> str:
    """Return an amount with its currency behind it, on one line: ``12.50 EUR``, ``12,50 EUR``."""
    shown = value.replace(".", ",") if base(locale) in _WITH_COMMA else value
    return f"{shown}\N{NO-BREAK SPACE}{currency}"
