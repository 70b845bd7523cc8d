"""What the page on segments says of the language is so."""

import re
from pathlib import Path
from typing import Final

from usercore.adapters.contacts import ValidatedEmailRules
from usercore.preferences.topics import RegisterTopicCommand
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.segments.syntax import (
    FILTER_MAX_CHARS,
    FILTER_MAX_COMPARISONS,
    FILTER_MAX_DEPTH,
    LIST_MAX_VALUES,
    Unit,
)
from usercore.users.conditions import Operator
from usercore.wiring.memory import memory_core

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "segments.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> str:
    """Give the code of one language."""
    return "".join(text for one, text in BLOCKS if one == language)


async def test_every_filter_on_the_page_is_one() -> None:
    core = memory_core(emails=ValidatedEmailRules())
    await core.register_topic(RegisterTopicCommand("news", "News", "1"))
    await core.register_purpose(RegisterPurposeCommand("research", "Research", "1"))
    in_commands = re.findall(r"(?:--filter '|'filter=)([^']*)'", blocks("sh"))
    examples = blocks("text").splitlines()
    assert (len(in_commands), len(examples)) >= (3, 15)

    for text in (*in_commands, *examples):
        found = await core.read_filter(text)
        assert (await core.read_filter(found.text)).text == found.text


def test_the_grammar_has_every_operator_sign_and_unit_and_no_other() -> None:
    words = set(re.findall(r'"([^"]+)"', blocks("")))
    others = {"or", "and", "not", "(", ")", ",", ".", "true", "false", "now", "+", "-"}

    assert words == {*others, *(operator.value for operator in Operator), *(unit.value for unit in Unit)}


def test_the_limits_are_those_of_the_language() -> None:
    said = re.findall(r"At most ([\d,]+) characters, (\d+) comparisons, (\d+) levels .* (\d+) values in a list", PAGE)

    assert said == [(f"{FILTER_MAX_CHARS:,}", str(FILTER_MAX_COMPARISONS), str(FILTER_MAX_DEPTH), str(LIST_MAX_VALUES))]
