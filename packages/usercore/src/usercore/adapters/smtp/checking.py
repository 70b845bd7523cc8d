"""Templates tried out before anybody is written to: what is wrong is named by file, line and variable."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from jinja2 import TemplateSyntaxError, meta, nodes

from usercore.adapters.smtp.errors import TemplateFailedError
from usercore.adapters.smtp.rendering import KNOWN, Templates, Words
from usercore.settings import Problem, SettingsError

_VARIABLE: Final = "USER_SERVICE_SMTP_TEMPLATES"


def check(templates: Templates, samples: Mapping[str, Iterable[Words]]) -> None:
    """Read every template, and fill in each letter in each language.

    Args:
        templates: ours, and an operator's.
        samples: by the name of the letter, what it may be asked to say.

    Raises:
        SettingsError: templates are broken; all that is found is named.
    """
    if templates.folder is not None and not templates.folder.is_dir():
        raise _error([f"there is no folder {templates.folder}"])
    found = [problem for file in templates.files for problem in _unreadable(templates, file)]
    if not found:
        found = [problem for name in samples for problem in _unusable(templates, name, samples[name])]
    if found:
        raise _error(found)


def _error(details: Iterable[str]) -> SettingsError:
    return SettingsError(problems=tuple(Problem(_VARIABLE, detail) for detail in dict.fromkeys(details)))


def _unreadable(templates: Templates, file: str) -> Iterator[str]:
    try:
        parsed = templates.parsed(file)
        unknown = meta.find_undeclared_variables(parsed) - KNOWN - _declared(parsed)
    except TemplateSyntaxError as error:
        yield f"{file}, line {error.lineno}: {error.message}"
    except UnicodeDecodeError:
        yield f"{file} is not in UTF-8"
    else:
        for variable in sorted(unknown):
            close = get_close_matches(variable, KNOWN, n=1)
            yield f"{file}: there is no variable {variable}" + (f"; did you mean {close[0]}?" if close else "")


def _unusable(templates: Templates, name: str, samples: Iterable[Words]) -> Iterator[str]:
    for language in templates.languages_of(name):
        for words in samples:
            try:
                letter = templates.render(name, language, words)
            except TemplateFailedError as error:
                yield f"{error.where}: {error.reason}"
            else:
                if not letter.subject or not letter.text.strip():
                    yield f"{language}/{name}.txt: write a first line `Subject: …`, and a text"


def _declared(template: nodes.Template) -> set[str]:
    """Return the names that a template gives to what it imports, sets or defines: its blocks know them too."""
    imported = {one.target for one in template.find_all(nodes.Import)}
    parts = {part for one in template.find_all(nodes.FromImport) for part in one.names}
    renamed = {part if isinstance(part, str) else part[1] for part in parts}
    stored = {one.name for one in template.find_all(nodes.Name) if one.ctx == "store"}
    return imported | renamed | stored | {one.name for one in template.find_all(nodes.Macro)}
