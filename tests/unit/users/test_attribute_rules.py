"""Custom attributes against the schema in force, over memory."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import define, evolve, field

from tests.builders import a_context
from usercore.users.attribute_rules import RegisterAttributeSchemaCommand
from usercore.users.attributes import AttributeSchema
from usercore.users.create_user import CreateUserCommand
from usercore.users.errors import AttributeSchemaInvalidError, ProfileInvalidError, WriteContendedError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.users.update_user import UpdateUserCommand
from usercore.wiring.core import Core, assemble

RANKS = {"type": "object", "properties": {"rank": {"enum": ["admiral"]}}, "additionalProperties": False}


async def register(core: Core, document: Mapping[str, Any]) -> AttributeSchema:
    return await core.register_attribute_schema(RegisterAttributeSchemaCommand(document), a_context())


async def create(core: Core, **attributes: Any) -> User:
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper", attributes=attributes)
    return await core.create_user(CreateUserCommand(profile), a_context())


async def test_without_a_schema_no_attribute_is_allowed(core: Core) -> None:
    with pytest.raises(ProfileInvalidError) as caught:
        await create(core, rank="admiral")

    assert [violation.code for violation in caught.value.violations] == ["attributes_without_schema"]
    assert (await create(core)).profile.attributes == {}


async def test_attributes_must_satisfy_the_schema_in_force(core: Core) -> None:
    await register(core, RANKS)

    with pytest.raises(ProfileInvalidError) as caught:
        await create(core, rank="canary", color="canary")

    found = [(violation.path, violation.code) for violation in caught.value.violations]
    assert sorted(found) == [
        (("attributes",), "attributes_not_in_schema"),
        (("attributes", "rank"), "attributes_not_in_schema"),
    ]
    assert "canary" not in str(caught.value)
    assert (await create(core, rank="admiral")).profile.attributes == {"rank": "admiral"}


async def test_versions_follow_each_other_and_the_same_document_adds_none(core: Core) -> None:
    first = await register(core, RANKS)
    assert await register(core, dict(RANKS)) == first
    second = await register(core, {})

    assert (first.version, second.version, second.registered_by) == (1, 2, "OPERATOR:ada")
    assert list(await core.list_attribute_schemas()) == [first, second]


async def test_a_profile_is_judged_again_when_its_attributes_change_and_not_before(core: Core) -> None:
    await register(core, {})
    user = await create(core, color="blue")
    await register(core, RANKS)

    renamed = await core.update_user(UpdateUserCommand(user.id, ProfilePatch(first_name="Ada")), a_context())
    assert renamed.profile.attributes == {"color": "blue"}
    with pytest.raises(ProfileInvalidError):
        await core.update_user(UpdateUserCommand(user.id, ProfilePatch(attributes={"rank": "admiral"})), a_context())


async def test_what_is_no_schema_does_not_come_into_force(core: Core) -> None:
    with pytest.raises(AttributeSchemaInvalidError):
        await register(core, {"type": "nonsense"})

    assert list(await core.list_attribute_schemas()) == []


async def test_of_many_who_register_at_once_each_gets_a_version(core: Core) -> None:
    made = await asyncio.gather(*(register(core, {"title": str(number)}) for number in range(8)))

    assert sorted(schema.version for schema in made) == list(range(1, 9))


@define
class AlwaysQuickerRival:
    """A store where somebody else has always just added the next version."""

    tries: int = field(default=0, init=False)

    async def current(self) -> AttributeSchema | None:
        return None

    async def all(self) -> Sequence[AttributeSchema]:
        return []

    async def add(self, schema: AttributeSchema) -> bool:
        assert schema.version == 1
        self.tries += 1
        return False


async def test_a_registration_that_never_gets_its_turn_gives_up(core: Core) -> None:
    schemas = AlwaysQuickerRival()

    with pytest.raises(WriteContendedError):
        await register(assemble(evolve(core.ports, schemas=schemas)), RANKS)

    assert schemas.tries == 10
