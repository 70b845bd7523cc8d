"""Ed25519: signing checkpoints with a key that is not in the database, and checking who signed."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from usercore.audit.errors import AuditKeyUnusableError
from usercore.audit.notes import Note, PublicKey, Signature
from usercore.audit.ports import CheckpointSigner, CheckpointVerifier


@frozen
class Ed25519Signer:
    """Signs notes.

    Args:
        name: under which it signs.
        private: the key.
    """

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def read(cls, name: str, path: Path) -> "Ed25519Signer":
        """Return the signer whose key is in a PEM file.

        Raises:
            AuditKeyUnusableError: the file cannot be read, or holds something else.
        """
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditKeyUnusableError("the file of the signing key holds no Ed25519 private key in PEM")
        return cls(name, key)

    @classmethod
    def generate(cls, name: str) -> "Ed25519Signer":
        """Return a signer with a new key."""
        return cls(name, Ed25519PrivateKey.generate())

    @property
    def key(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.name, self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def pem(self) -> bytes:
        """Return the private key as PEM (PKCS #8, not encrypted)."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    async def sign(self, text: str) -> Note:
        """Return the text with a signature under it."""
        return Note(text, (Signature(self.name, self.key.id, self.private.sign(text.encode())),))


@frozen
class Ed25519Verifier:
    """Knows the keys of those who may sign."""

    keys: Sequence[PublicKey]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "Ed25519Verifier":
        """Return the verifier that knows the keys in these lines; empty ones and those after ``#`` say nothing.

        Raises:
            AuditKeyUnusableError: a line holds no key.
        """
        try:
            return cls([PublicKey.parse(line.strip()) for line in lines if line.strip() and not line.startswith("#")])
        except ValueError as error:
            raise AuditKeyUnusableError(f"the public keys cannot be used: {error}") from None

    @classmethod
    def read(cls, path: Path) -> "Ed25519Verifier":
        """Return the verifier that knows the keys in a file.

        Raises:
            AuditKeyUnusableError: the file cannot be read, or a line of it holds no key.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise AuditKeyUnusableError("the file of public keys cannot be read") from None
        return cls.parse(text.splitlines())

    def is_signed(self, note: Note) -> bool:
        """Return whether a key that is known here signed the note, and no such key's signature is a false one."""
        checked = [_is_good(key, note.text, one) for one in note.signatures for key in self._named(one)]
        return bool(checked) and all(checked)

    def _named(self, signature: Signature) -> Iterable[PublicKey]:
        return (key for key in self.keys if (key.name, key.id) == (signature.name, signature.key_id))


def _is_good(key: PublicKey, text: str, signature: Signature) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature.value, text.encode())
    except InvalidSignature:
        return False
    return True


if TYPE_CHECKING:

    def _conform(signer: Ed25519Signer, verifier: Ed25519Verifier) -> tuple[CheckpointSigner, CheckpointVerifier]:
        return signer, verifier
