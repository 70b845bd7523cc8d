"""Letters out of templates.

A template is a file in a folder named like a language: ``de/welcome.txt`` and ``de/welcome.html``. The text is needed;
its first line is ``Subject: …``. A file in the operator's folder takes the place of ours of the same name.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from attrs import asdict, evolve, field, fields, frozen
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    nodes,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context

from usercore.adapters.smtp import languages
from usercore.adapters.smtp.errors import TemplateFailedError
from usercore.adapters.smtp.texts import one_line

OURS: Final = Path(__file__).parent / "templates"
_SUBJECT: Final = "Subject:"
_GAPS: Final = re.compile(r"\n{3,}")


@frozen
class Words:
    """What a template may say. Each of these is known to every template; what a letter does not have is None.

    Args:
        company: what we are called.
        imprint: what stands below every mail.
        home_url: where users sign in.
        first_name: to greet by; empty where it is no name.
        link: where the letter leads.
        code: to be typed in by hand.
        minutes: how long code or link are valid.
        order_id: whose payment failed.
        amount: how much, as a mapping of `value` and `currency`.
        request: the kind of a privacy request, in lower case: ``access``.
        outcome: what became of it, in lower case: ``completed``, ``refused``, ``extended``.
        reason: why it was refused or takes longer.
        law: the articles that allow it.
        date: when something will happen, or be answered.
        unsubscribe_url: where to be written to no more.
        language: of the template.
    """

    company: str = ""
    imprint: str | None = None
    home_url: str | None = None
    first_name: str = ""
    link: str | None = None
    code: str | None = field(default=None, repr=False)
    minutes: int | None = None
    order_id: str | None = None
    amount: Mapping[str, str] | None = None
    request: str | None = None
    outcome: str | None = None
    reason: str | None = field(default=None, repr=False)
    law: str | None = None
    date: datetime | None = None
    unsubscribe_url: str | None = None
    language: str = languages.FALLBACK


KNOWN: Final = frozenset(one.name for one in fields(Words))


@frozen
class Letter:
    """A letter as it is read.

    Args:
        subject: on one line.
        text: for programs that show no HTML, and people who want none.
        html: the same; None where the language has none.
        language: BCP 47.
    """

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    language: str


@frozen(eq=False)
class Templates:
    """Finds templates and fills them in.

    Args:
        folder: the operator's own, looked at first; None for ours alone.
        files: what there is.
    """

    folder: Path | None
    _loader: FileSystemLoader = field(init=False, repr=False)
    _environment: Environment = field(init=False, repr=False)
    files: tuple[str, ...] = field(init=False, repr=False)

    @_loader.default
    def _places(self) -> FileSystemLoader:
        return FileSystemLoader([OURS] if self.folder is None else [self.folder, OURS])

    @_environment.default
    def _made(self) -> Environment:
        environment = Environment(
            loader=self._loader,
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {"day": _day, "span": _span, "money": _money}
        return environment

    @files.default
    def _found(self) -> tuple[str, ...]:
        return tuple(self._environment.list_templates(extensions=["txt", "html"]))

    def languages_of(self, name: str) -> tuple[str, ...]:
        """List the languages in which there is a letter."""
        return tuple(sorted({one.rpartition("/")[0] for one in self.files if one.endswith(f"/{name}.txt")}))

    def render(self, name: str, locale: str, words: Words) -> Letter:
        """Fill in the letter of that name, in the nearest language to the wanted one.

        Raises:
            TemplateFailedError: the template is broken.
        """
        known = {one.lower(): one for one in self.languages_of(name)}
        language = next(known[one.lower()] for one in languages.fallbacks(locale) if one.lower() in known)
        values = asdict(evolve(words, language=language), recurse=False)
        subject, text = _parted(self._filled(f"{language}/{name}.txt", values) or "")
        return Letter(subject, text, self._filled(f"{language}/{name}.html", values), language)

    def _filled(self, file: str, values: Mapping[str, Any]) -> str | None:
        if file not in self.files:
            return None
        try:
            return self._environment.get_template(file).render(values)
        except Exception as error:  # noqa: BLE001 -- a template is a program, and may be somebody else's
            reason = f"there is no template {error.name}" if isinstance(error, TemplateNotFound) else str(error)
            where = _place(error) or file
            raise TemplateFailedError(f"{where}: {type(error).__name__}", where=where, reason=reason) from None

    def parsed(self, file: str) -> nodes.Template:
        """Return a template as it is written, for whoever wants to look at it.

        Raises:
            jinja2.TemplateSyntaxError: it is not written as templates are.
            UnicodeDecodeError: it is not in UTF-8.
        """
        source, _, _ = self._loader.get_source(self._environment, file)
        return self._environment.parse(source)


def _parted(filled: str) -> tuple[str, str]:
    """Part a filled-in text into its subject and what is below it, without the gaps that empty parts leave."""
    head, _, text = filled.lstrip().partition("\n")
    subject = one_line(head.removeprefix(_SUBJECT)) if head.startswith(_SUBJECT) else ""
    return subject, _GAPS.sub("\n\n", text.strip("\n")) + "\n"


def _place(error: BaseException) -> str:
    """Return file and line of the template in which an error arose; empty where it arose elsewhere."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.suffix in {".txt", ".html"}:
            found = f"{file.parent.name}/{file.name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


@pass_context
def _day(context: Context, at: datetime) -> str:
    return languages.day(at, context["language"])


@pass_context
def _span(context: Context, minutes: int) -> str:
    return languages.span(minutes, context["language"])


@pass_context
def _money(context: Context, amount: Mapping[str, str]) -> str:
    return languages.money(amount["value"], amount["currency"], context["language"])
