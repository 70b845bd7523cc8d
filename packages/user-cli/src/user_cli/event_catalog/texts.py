"""What files of a catalogue are made of: YAML, JSON, and pages of front matter and MDX."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

__all__ = ["json_text", "page", "prose", "yaml_text"]

WIDTH: Final = 120
_CODE: Final = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
_PLAIN: Final = str.maketrans({"<": "&lt;", "{": "&#123;", "}": "&#125;"})


class _Plain(yaml.SafeDumper):
    """Writes texts of several lines as such, and what is the same twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- as the base declares it
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def yaml_text(value: object) -> str:
    """Return a JSON value as YAML, without anchors: the same each time."""
    plain = json.loads(json.dumps(value))
    return yaml.dump(plain, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=WIDTH)


def json_text(value: object) -> str:
    """Return a JSON value as a file for people."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def page(front: Mapping[str, Any], *parts: str) -> bytes:
    """Return a page.

    Args:
        front: its front matter; what is None or empty is left out.
        parts: its text in MDX, each a paragraph or several; what is empty is left out.
    """
    told = {name: value for name, value in front.items() if value not in (None, "", [])}
    body = "\n\n".join(part.strip("\n") for part in parts if part)
    return f"---\n{yaml_text(told)}---\n\n{body}\n".encode()


def prose(markdown: str) -> str:
    """Return Markdown in which MDX finds no component and no expression; what is code stays as it is."""
    parts = _CODE.split(markdown)
    return "".join(part if number % 2 else part.translate(_PLAIN) for number, part in enumerate(parts))
