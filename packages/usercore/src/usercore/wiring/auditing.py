"""Keys and files of the audit trail's checkpoints."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.adapters.local.checkpoints import CheckpointFile, read_notes
from usercore.adapters.memory.missing import MissingCheckpointSigner, NoPublisher
from usercore.audit.errors import AuditKeyUnusableError
from usercore.audit.notes import PublicKey
from usercore.audit.ports import CheckpointPublisher, CheckpointSigner, CheckpointVerifier
from usercore.settings import CheckpointSettings, Problem, SettingsError

T = TypeVar("T")

__all__ = ["Attestation", "KeyPair", "checkpoint_every", "new_keys", "open_attestation", "published_notes"]


@frozen
class Attestation:
    """What signs checkpoints, checks them and publishes them."""

    signer: CheckpointSigner
    verifier: CheckpointVerifier
    publisher: CheckpointPublisher


@frozen
class KeyPair:
    """A new key.

    Args:
        private: as PEM.
        public: the line with which its signatures are checked.
    """

    private: bytes
    public: str


def open_attestation(settings: CheckpointSettings) -> Attestation:
    """Return what the settings name; without a signing key it signs nothing.

    Raises:
        SettingsError: a file of keys cannot be used.
    """
    signer = None
    keys: list[PublicKey] = []
    if settings.key_file is not None:
        read = partial(Ed25519Signer.read, settings.name)
        signer = _usable("USER_SERVICE_AUDIT_KEY_FILE", read, settings.key_file)
        keys.append(signer.key)
    if settings.public_keys_file is not None:
        keys += _usable("USER_SERVICE_AUDIT_PUBLIC_KEYS_FILE", Ed25519Verifier.read, settings.public_keys_file).keys
    return Attestation(
        signer=signer or MissingCheckpointSigner(),
        verifier=Ed25519Verifier(tuple(dict.fromkeys(keys))),
        publisher=NoPublisher() if settings.checkpoint_file is None else CheckpointFile(settings.checkpoint_file),
    )


def _usable(variable: str, read: Callable[[Path], T], path: Path) -> T:
    try:
        return read(path)
    except AuditKeyUnusableError as error:
        raise SettingsError(problems=(Problem(variable, error.detail),)) from None


def checkpoint_every(settings: CheckpointSettings) -> timedelta | None:
    """Return how often a checkpoint is made, or None where nothing signs any."""
    return None if settings.key_file is None else timedelta(seconds=settings.checkpoint_interval_s)


def new_keys(name: str) -> KeyPair:
    """Return a new key pair for whoever signs under a name."""
    signer = Ed25519Signer.generate(name)
    return KeyPair(signer.pem(), str(signer.key))


def published_notes(path: Path) -> Iterator[str]:
    """Yield the notes of checkpoints in a file.

    Raises:
        CheckpointUnreadableError: the file cannot be read.
    """
    return read_notes(path)
