"""Read a section of settings from an environment.

A section is a frozen attrs class whose fields are made by :func:`setting`: the variable's name, what it is
for and how to read it stand beside the field, once.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from attrs import NOTHING, Attribute, define, field, fields, frozen, has

from usercore.kernel.errors import InvalidError

S = TypeVar("S")
V = TypeVar("V")

_KEY: Final = "usercore.setting"
_WHERE: Final = "usercore.section_where"
FILE_SUFFIX: Final = "_FILE"


@frozen
class Problem:
    """What is wrong with one variable."""

    variable: str
    detail: str

    def __str__(self) -> str:
        """Return one line that names the variable."""
        return f"{self.variable}: {self.detail}"


@define(auto_exc=True, eq=False)
class SettingsError(InvalidError):
    """Variables are missing or cannot be read; `problems` names each."""

    code = "settings_invalid"
    summary = "Some settings are not valid"

    problems: tuple[Problem, ...] = field(default=(), kw_only=True)

    def __str__(self) -> str:
        """Return one line for each variable."""
        return "\n".join(map(str, self.problems))


@frozen
class Setting:
    """One setting, as the documentation shows it.

    Args:
        variable: the environment variable.
        doc: what it is for.
        default: what holds without it, as text; None where it is required.
        secret: it may also be given as a file, by the variable with ``_FILE`` behind it.
    """

    variable: str
    doc: str
    default: str | None
    secret: bool


def setting(
    variable: str,
    parse: Callable[[str], V],
    doc: str,
    *,
    default: Any = NOTHING,  # noqa: ANN401 -- attrs' own default, of any type
    secret: bool = False,
) -> Any:  # noqa: ANN401 -- stands for the field's type, as attrs.field does
    """Return an attrs field that is read from an environment variable."""
    metadata = {_KEY: (variable, parse, doc, secret)}
    return field(default=default, metadata=metadata, repr=not secret)


def section_where(section: type[Any], variable: str, word: str) -> Any:  # noqa: ANN401 -- stands for the field's type
    """Return an attrs field for a section that is read only where a variable holds a word, and is None elsewhere.

    It is documented where it is always read.
    """
    return field(default=None, metadata={_WHERE: (section, variable, word)})


def load(section: type[S], environ: Mapping[str, str]) -> S:
    """Read a section, and the sections inside it.

    Raises:
        SettingsError: variables are missing or cannot be read; all are named at once.
    """
    problems: list[Problem] = []
    values = _read(section, environ, problems)
    if problems:
        raise SettingsError(problems=tuple(problems))
    return section(**values)


def _read(section: type[Any], environ: Mapping[str, str], problems: list[Problem]) -> dict[str, object]:
    values: dict[str, object] = {}
    for attribute in fields(section):
        if _KEY in attribute.metadata:
            _read_one(attribute, environ, values, problems)
        elif _WHERE in attribute.metadata:
            inner, variable, word = attribute.metadata[_WHERE]
            if environ.get(variable, "").strip().lower() == word:
                _read_inner(attribute.name, inner, environ, values, problems)
        elif attribute.type is not None and has(attribute.type):
            _read_inner(attribute.name, attribute.type, environ, values, problems)
    return values


def _read_inner(
    name: str,
    section: type[Any],
    environ: Mapping[str, str],
    values: dict[str, object],
    problems: list[Problem],
) -> None:
    found: list[Problem] = []
    inner = _read(section, environ, found)
    if not found:
        try:
            values[name] = section(**inner)
        except SettingsError as error:
            found.extend(error.problems)
    problems.extend(found)


def _read_one(
    attribute: "Attribute[Any]",
    environ: Mapping[str, str],
    values: dict[str, object],
    problems: list[Problem],
) -> None:
    variable, parse, _, secret = attribute.metadata[_KEY]
    try:
        raw = _raw(variable, environ, secret=secret)
        if raw is not None:
            values[attribute.name] = parse(raw)
        elif attribute.default is NOTHING:
            problems.append(Problem(variable, "is needed and not set"))
    except (OSError, ValueError) as error:
        problems.append(Problem(variable, _reason(error)))


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return f"the file it names cannot be read: {error.strerror}"
    return str(error)


def _raw(variable: str, environ: Mapping[str, str], *, secret: bool) -> str | None:
    direct, by_file = environ.get(variable), environ.get(variable + FILE_SUFFIX)
    if not secret or not by_file:
        return direct or None
    if direct:
        message = f"set either it or {variable}{FILE_SUFFIX}, not both"
        raise ValueError(message)
    return Path(by_file).read_text(encoding="utf-8").strip()


def settings_of(section: type[Any]) -> Iterator[Setting]:
    """List the settings of a section and of the sections inside it, in order."""
    for attribute in fields(section):
        if _KEY in attribute.metadata:
            variable, _, doc, secret = attribute.metadata[_KEY]
            yield Setting(variable, doc, _default_text(attribute.default), secret)
        elif attribute.type is not None and has(attribute.type):
            yield from settings_of(attribute.type)


def _default_text(default: object) -> str | None:
    match default:
        case _ if default is NOTHING:
            return None
        case None | ():
            return ""
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case tuple():
            return ",".join(map(_item_text, default))
        case _:
            return str(default)


def _item_text(item: object) -> str:
    return ":".join(map(str, item)) if isinstance(item, tuple) else str(item)
