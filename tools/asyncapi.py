"""Write api-docs/asyncapi.yaml from the messages that the code declares; `--check` fails when it has drifted."""

import json
import sys
from pathlib import Path

import yaml

from usercore.codec.messages.asyncapi import TopicDefaults, document
from usercore.settings import TopicSettings

PAGE = Path(__file__).resolve().parent.parent / "api-docs" / "asyncapi.yaml"
WIDTH = 120


def page() -> str:
    """Return the document as YAML, without anchors: the same each time."""
    made = TopicSettings()
    topics = TopicDefaults(made.partitions, made.replication, made.retention_h, made.max_message_bytes)
    plain = json.loads(json.dumps(document(topics)))
    return yaml.dump(plain, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=WIDTH)


class _Plain(yaml.SafeDumper):
    """Writes texts of several lines as such, and what is the same twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- as the base declares it
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def main(arguments: list[str]) -> None:
    """Write the document, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("api-docs/asyncapi.yaml has drifted: run python tools/asyncapi.py --write")


if __name__ == "__main__":
    main(sys.argv[1:])
