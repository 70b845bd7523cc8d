"""Custom attributes against the schema in force, and how a schema comes into force."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import Violation
from usercore.kernel.ports import Clock
from usercore.users.attributes import AttributeSchema, Json
from usercore.users.errors import ProfileInvalidError, WriteContendedError
from usercore.users.ports import AttributeSchemas, AttributeValidator

_TRIES = 10


@frozen
class AttributeRules:
    """Refuses attributes that the schema in force does not allow."""

    schemas: AttributeSchemas
    validator: AttributeValidator

    async def check(self, attributes: Mapping[str, Json]) -> None:
        """Pass attributes that satisfy the schema; without a schema only none at all.

        Raises:
            ProfileInvalidError: they do not; each broken rule is named.
        """
        if attributes:
            self.check_against(await self.schemas.current(), attributes)

    def check_against(self, schema: AttributeSchema | None, attributes: Mapping[str, Json]) -> None:
        """Pass attributes that satisfy the schema in force.

        Args:
            schema: the one in force, or None where there is none.
            attributes: what is to be judged.

        Raises:
            ProfileInvalidError: they do not; each broken rule is named.
        """
        if not attributes:
            return
        if schema is None:
            detail = "no attribute is allowed until the operator registers an attribute schema"
            raise ProfileInvalidError(violations=(Violation(("attributes",), "attributes_without_schema", detail),))
        broken = self.validator.violations(schema, attributes)
        if broken:
            raise ProfileInvalidError(violations=tuple(_violation(*rule) for rule in broken))


def _violation(path: tuple[str, ...], keyword: str) -> Violation:
    detail = f"satisfy the registered attribute schema's rule '{keyword}'"
    return Violation(("attributes", *path), "attributes_not_in_schema", detail)


@frozen
class RegisterAttributeSchemaCommand:
    """Put a JSON Schema (draft 2020-12) for custom attributes in force.

    Profiles that exist are not judged again; their attributes must satisfy it when they next change.
    """

    document: Mapping[str, Json] = field(repr=False)


@frozen
class RegisterAttributeSchema:
    """Adds the next version of the schema."""

    schemas: AttributeSchemas
    validator: AttributeValidator
    clock: Clock

    async def __call__(self, command: RegisterAttributeSchemaCommand, context: CommandContext) -> AttributeSchema:
        """Return the version now in force; the same document again adds none.

        Raises:
            AttributeSchemaInvalidError: it is no schema we can use.
        """
        self.validator.check_schema(command.document)
        for _ in range(_TRIES):
            current = await self.schemas.current()
            if current is not None and current.document == command.document:
                return current
            schema = AttributeSchema(
                version=current.version + 1 if current else 1,
                document=command.document,
                registered_at=self.clock.now(),
                registered_by=str(context.actor),
            )
            if await self.schemas.add(schema):
                return schema
        raise WriteContendedError


@frozen
class ListAttributeSchemas:
    """Lists every version of the schema, the oldest first."""

    schemas: AttributeSchemas

    async def __call__(self) -> Sequence[AttributeSchema]:
        """Return the versions; the last one is in force."""
        return await self.schemas.all()
