"""What every AttributeSchemas, TopicRegistry and PreferencesReader promises."""

import asyncio

from attrs import evolve

from tests.builders import IDS, NOW, SECOND
from usercore.kernel.ids import UserId
from usercore.preferences.values import EmailTopic
from usercore.users.attributes import AttributeSchema
from usercore.wiring.core import Ports

SCHEMA = AttributeSchema(
    1,
    {
        "type": "object",
        "properties": {"zip": {"type": "string", "pattern": "^\\d+$"}, "a": {"minimum": 0.5, "enum": [1, None, "é𐐷"]}},
        "additionalProperties": False,
    },
    NOW,
    "OPERATOR:ada",
)


async def test_before_the_first_schema_none_is_in_force(ports: Ports) -> None:
    assert await ports.schemas.current() is None
    assert list(await ports.schemas.all()) == []


async def test_the_highest_version_is_in_force_and_all_are_kept(ports: Ports) -> None:
    second = AttributeSchema(2, {}, NOW + SECOND, "OPERATOR:joan")
    assert await ports.schemas.add(SCHEMA) is True
    assert await ports.schemas.current() == SCHEMA
    assert await ports.schemas.add(second) is True

    assert await ports.schemas.current() == second
    assert list(await ports.schemas.all()) == [SCHEMA, second]


async def test_a_version_that_exists_is_not_replaced(ports: Ports) -> None:
    await ports.schemas.add(SCHEMA)

    assert await ports.schemas.add(evolve(SCHEMA, document={"type": "array"})) is False

    assert list(await ports.schemas.all()) == [SCHEMA]


async def test_of_many_who_add_a_version_one_does(ports: Ports) -> None:
    rivals = [evolve(SCHEMA, document={"title": str(number)}) for number in range(10)]

    added = await asyncio.gather(*(ports.schemas.add(rival) for rival in rivals))

    assert sorted(added) == [*[False] * 9, True]
    assert list(await ports.schemas.all()) == [rivals[added.index(True)]]


def a_topic(name: str) -> EmailTopic:
    return EmailTopic(
        name=name,
        title=f"Title of {name} 'é𐐷'",
        description="",
        mandatory=False,
        subscribed_by_default=True,
        wording_version="2026-01",
        registered_at=NOW,
    )


async def test_topics_are_listed_by_name_character_by_character(ports: Ports) -> None:
    names = ["offers", "a1", "a", "ab", "a-b", "news", "a-a"]
    for name in names:
        await ports.topics.put(a_topic(name))

    assert list(await ports.topics.all()) == [a_topic(name) for name in sorted(names)]


async def test_a_topic_of_the_same_name_is_replaced(ports: Ports) -> None:
    await ports.topics.put(a_topic("news"))
    changed = evolve(
        a_topic("news"), title="News", mandatory=True, subscribed_by_default=False, wording_version="2", description="x"
    )

    await ports.topics.put(changed)

    assert list(await ports.topics.all()) == [changed]


async def test_users_who_said_nothing_have_said_nothing_known_or_not(ports: Ports) -> None:
    ids = [IDS.user_id(), UserId("somebody")]

    assert {one: dict(said) for one, said in (await ports.preferences.get_many(ids)).items()} == {
        ids[0]: {},
        ids[1]: {},
    }
    assert dict(await ports.preferences.get_many([])) == {}
