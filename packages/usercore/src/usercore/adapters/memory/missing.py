"""Parts that the bare installation leaves out. They refuse; none of them pretends."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from attrs import define, frozen

from usercore.audit.errors import AuditKeyUnusableError
from usercore.audit.notes import Note, PublicKey
from usercore.audit.ports import CheckpointLog, CheckpointPublisher, CheckpointSigner, CheckpointVerifier
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
_NO_SIGNATURES = "checkpoints need a signing key: set USER_SERVICE_AUDIT_KEY_FILE (userctl audit keygen makes one)"
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


@frozen
class MissingCheckpointSigner:
    """Signs nothing."""

    @property
    def key(self) -> PublicKey:
        """Refuse.

        Raises:
            AuditKeyUnusableError: always.
        """
        raise AuditKeyUnusableError(_NO_SIGNATURES)

    async def sign(self, text: str) -> Note:  # noqa: ARG002 - the port's signature
        """Refuse.

        Raises:
            AuditKeyUnusableError: always.
        """
        raise AuditKeyUnusableError(_NO_SIGNATURES)


@frozen
class NoKnownKeys:
    """Knows nobody who may sign, so that no checkpoint is believed."""

    def is_signed(self, note: Note) -> bool:  # noqa: ARG002 - the port's signature
        """Return that it is not."""
        return False


@frozen
class NoPublisher:
    """Publishes nothing."""

    async def publish(self, log: CheckpointLog) -> int:  # noqa: ARG002 - the port's signature
        """Publish nothing."""
        return 0


if TYPE_CHECKING:
    _validator: AttributeValidator = MissingAttributeValidator()
    _hasher: PasswordHasher = MissingPasswordHasher()
    _signer: CheckpointSigner = MissingCheckpointSigner()
    _verifier: CheckpointVerifier = NoKnownKeys()
    _publisher: CheckpointPublisher = NoPublisher()
