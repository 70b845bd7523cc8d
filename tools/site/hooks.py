"""MkDocs calls these: pages that are generated, pages from the repository's root, and links that lead out of `docs/`.

The references of the command line and of the messages are made anew by every build, so that they cannot drift. What
lies outside `docs/` and is no page is named, not linked: the site stands alone.
"""

import posixpath
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
# MkDocs loads this file by its path; what stands beside it is found from the root.
sys.path.insert(0, str(ROOT))

from tools.site.command_line import command_line_page  # noqa: E402 -- see above
from tools.site.messages import messages_page  # noqa: E402

FROM_ROOT: Final[Mapping[str, str]] = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "packages/usercore/README.md": "library.md",
    "api-docs/openapi.yaml": "api-docs/openapi.yaml",
    "api-docs/asyncapi.yaml": "api-docs/asyncapi.yaml",
}
"""Files of the repository → where the site has them."""

_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated, and what comes from the root."""
    made = {"reference/cli.md": command_line_page(), "reference/messages.md": messages_page()}
    made |= {place: (ROOT / source).read_text(encoding="utf-8") for source, place in FROM_ROOT.items()}
    for place, content in made.items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 -- MkDocs'
    """Return a page whose links lead to where the site has what they mean."""
    source = _source_of(page.file.src_uri)

    def relinked(link: re.Match[str]) -> str:
        target, anchor = link["target"], link["anchor"] or ""
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = _place_of(meant)
        if place is None:
            return link["text"] if link["text"].startswith("`") else f"`{link['text']}`"
        way = posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or ".")
        return f"[{link['text']}]({way}{anchor})"

    return _outside_code(markdown, relinked)


def _source_of(place: str) -> str:
    """Return the repository's file that a page of the site comes from."""
    return next((source for source, at in FROM_ROOT.items() if at == place), f"docs/{place}")


def _place_of(source: str) -> str | None:
    """Return where the site has a file of the repository, or None."""
    if source in FROM_ROOT:
        return FROM_ROOT[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else None


def _outside_code(markdown: str, relinked: Callable[[re.Match[str]], str]) -> str:
    """Return the text with its links changed, but not what stands between fences."""
    parts = markdown.split("```")
    return "```".join(part if number % 2 else _LINK.sub(relinked, part) for number, part in enumerate(parts))
