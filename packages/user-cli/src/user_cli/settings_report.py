"""Every variable that the service reads: what it is set to, what is wrong, and the page that documents them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from attrs import frozen

from usercore.settings import (
    CoreSettings,
    Problem,
    ServingSettings,
    Setting,
    SettingsError,
    StreamSettings,
    load,
    settings_of,
)
from usercore.settings.loading import FILE_SUFFIX

__all__ = ["Report", "Row", "Section", "check", "markdown"]

Section = type[CoreSettings | ServingSettings | StreamSettings]

_SECTIONS: Final[tuple[Section, ...]] = (CoreSettings, ServingSettings, StreamSettings)
_PREFIX: Final = "USER_SERVICE_"
_BROKERS: Final = "KAFKA_BOOTSTRAP"
_MASK: Final = "********"
_CREDENTIALS: Final = re.compile(r"//[^/?#\s]*@")
"""User and password in a URL (RFC 3986, 3.2.1), which are secret wherever they stand."""


@frozen
class Row:
    """One variable as it stands.

    Args:
        setting: what it is.
        value: what it is set to, masked where it is secret; None where it is not set.
    """

    setting: Setting
    value: str | None


@frozen
class Report:
    """All variables, and all that is wrong with them.

    Args:
        rows: every variable that the service knows.
        problems: variables that are missing or wrong.
        unknown: variables with the service's prefix that it does not know.
    """

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    unknown: tuple[Problem, ...]


def check(environ: Mapping[str, str], needed: Iterable[Section] | None = None) -> Report:
    """Return how the settings stand in an environment.

    Args:
        environ: all of it.
        needed: the sections that are judged; None for all, those of Kafka only where a broker is named.
    """
    if needed is None:
        needed = _SECTIONS if environ.get(_BROKERS) else (CoreSettings, ServingSettings)
    settings = [setting for section in _SECTIONS for setting in settings_of(section)]
    rows = tuple(Row(setting, _shown(setting, environ)) for setting in settings)
    problems = tuple(problem for section in needed for problem in _problems(section, environ))
    return Report(rows, problems, tuple(_unknown(settings, environ)))


def _shown(setting: Setting, environ: Mapping[str, str]) -> str | None:
    if setting.secret:
        by_file = environ.get(setting.variable + FILE_SUFFIX)
        return f"from the file {by_file}" if by_file else _MASK if environ.get(setting.variable) else None
    value = environ.get(setting.variable)
    return _CREDENTIALS.sub(f"//{_MASK}@", value) if value else None


def _problems(section: Section, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    try:
        load(section, environ)
    except SettingsError as error:
        return error.problems
    return ()


def _unknown(settings: list[Setting], environ: Mapping[str, str]) -> Iterator[Problem]:
    known = {setting.variable for setting in settings}
    known |= {setting.variable + FILE_SUFFIX for setting in settings if setting.secret}
    for variable in sorted(environ):
        if variable.startswith(_PREFIX) and variable not in known:
            close = get_close_matches(variable, known, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            yield Problem(variable, f"is no variable of this service{meant}")


_HEAD: Final = """\
# Settings

The service reads its settings from the environment, once, when it starts. `userctl config check` shows how they stand,
and names each one that is wrong. This page is made by `userctl config docs`.

A variable marked *secret* may be given as a file instead: put `_FILE` behind its name and let it name the file.
A variable without a default is needed.

"""
_CORE: Final = "## The core: `user-http` and every `userctl` command that touches users"
_SERVING: Final = "## HTTP: `user-http`, `userctl serve` and `userctl dev`"
_STREAM: Final = """\
## Kafka: `user-stream`, `userctl stream` and every `userctl` command that speaks Kafka

What they mean together is told in [kafka.md](kafka.md)."""
_REST: Final = """\
## userctl

| variable | default | meaning |
|---|---|---|
| `USERCTL_OPERATOR` | the login name | Who the operator is, for history and audit. |
| `USERCTL_PASSWORD_FILE` | | A file with the password of the user that `userctl user create` makes. |
| `NO_COLOR` | | Set to anything, it keeps colours away. They are also off where output goes to a file or a pipe. |

`userctl dev` starts a PostgreSQL where `DATABASE_URL` is not set, a Valkey where `REDIS_URL` is not set and a broker
where `KAFKA_BOOTSTRAP` is not set, and makes its own keys.
"""


def markdown() -> str:
    """Return the page that documents every variable."""
    parts = ((_CORE, CoreSettings), (_SERVING, ServingSettings), (_STREAM, StreamSettings))
    return _HEAD + "\n".join([line for head, section in parts for line in (head, "", *_table(section), "")] + [_REST])


def _table(section: Section) -> Iterator[str]:
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for setting in settings_of(section):
        default = "*needed*" if setting.default is None else f"`{setting.default}`" if setting.default else ""
        secret = " *Secret.*" if setting.secret else ""
        yield f"| `{setting.variable}` | {default} | {setting.doc.replace('|', chr(92) + '|')}{secret} |"
