"""Parts that the bare installation leaves out. They refuse; none of them pretends."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import define, frozen

from usercore.kernel.errors import UnavailableError
from usercore.kernel.secret import Secret
from usercore.users.attributes import AttributeSchema, Json
from usercore.users.ports import AttributeValidator, PasswordHasher


@define(auto_exc=True, eq=False)
class PartMissingError(UnavailableError):
    """What was asked for needs a part that is not installed here; the detail names it."""

    code: ClassVar[str] = "part_missing"
    summary: ClassVar[str] = "A part that this needs is not installed"


_NO_SCHEMAS = (
    "attribute schemas need jsonschema: install usercore[attributes] and pass JsonSchemaValidator "
    "of usercore.adapters.attributes"
)
_NO_PASSWORDS = (
    "passwords need Argon2: install usercore[passwords] and pass Argon2Hasher of usercore.adapters.argon2, "
    "or leave the password out and the user is invited to choose one"
)


@frozen
class MissingAttributeValidator:
    """Refuses every schema, so that none can come into force unchecked."""

    def check_schema(self, document: Mapping[str, Json]) -> None:  # noqa: ARG002 - the port's signature
        """Refuse.

        Raises:
            PartMissingError: always.
        """
        raise PartMissingError(_NO_SCHEMAS)

    def violations(
        self,
        schema: AttributeSchema,  # noqa: ARG002 - the port's signature
        attributes: Mapping[str, Json],  # noqa: ARG002 - the port's signature
    ) -> Sequence[tuple[tuple[str, ...], str]]:
        """Refuse.

        Raises:
            PartMissingError: always.
        """
        raise PartMissingError(_NO_SCHEMAS)


@frozen
class MissingPasswordHasher:
    """Refuses every password, so that none is kept unhashed or hashed weakly."""

    async def hash(self, password: Secret) -> Secret:  # noqa: ARG002 - the port's signature
        """Refuse.

        Raises:
            PartMissingError: always.
        """
        raise PartMissingError(_NO_PASSWORDS)


if TYPE_CHECKING:
    _validator: AttributeValidator = MissingAttributeValidator()
    _hasher: PasswordHasher = MissingPasswordHasher()
