"""The data folder of `userctl dev`: keys made once, and what other terminals need."""

import base64
import secrets
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from user_cli.failures import FileUnusableError
from user_cli.inputs import write_private, write_public
from user_cli.tokens import new_signing_key, public_jwks, read_signing_key

__all__ = ["DataFolder", "open_folder"]

_KEY_BYTES: Final = 32


@frozen
class DataFolder:
    """Where everything of one developer's service lies. Secrets are readable by their owner alone.

    Args:
        path: the folder.
    """

    path: Path

    @property
    def signing_key(self) -> Path:
        """The private key that signs development tokens."""
        return self.path / "signing-key.pem"

    @property
    def jwks(self) -> Path:
        """The public key that the service checks them with."""
        return self.path / "jwks.json"

    @property
    def cache_key(self) -> Path:
        """The key that seals cached profiles."""
        return self.path / "cache-key"

    @property
    def master_keys(self) -> Path:
        """The master key, which wraps the keys that personal data is sealed with."""
        return self.path / "master-keys"

    @property
    def token(self) -> Path:
        """A ready token."""
        return self.path / "token"

    @property
    def environment(self) -> Path:
        """Variables for other terminals, to be sourced by a shell."""
        return self.path / "env"

    @property
    def deliveries(self) -> Path:
        """What other services would have been sent."""
        return self.path / "deliveries.jsonl"

    @property
    def erasures(self) -> Path:
        """Who was erased, written down outside the database."""
        return self.path / "erasures.jsonl"

    @property
    def _embedded_urls(self) -> Path:
        """Where the servers of our own were found at the last start, a line each."""
        return self.path / "embedded-urls"

    def remember_embedded(self, urls: Iterable[str]) -> None:
        """Write down where our own servers are found, so that :meth:`was_embedded` knows them."""
        write_private(self._embedded_urls, "".join(f"{url}\n" for url in urls).encode())

    def was_embedded(self, url: str) -> bool:
        """Return whether it is where to find a server of our own, from a terminal that has read `environment`."""
        return self._embedded_urls.exists() and url in self._embedded_urls.read_text(encoding="utf-8").splitlines()

    def write_environment(self, variables: Mapping[str, str]) -> None:
        """Write down variables for other terminals."""
        lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
        write_private(self.environment, lines.encode())


def open_folder(path: Path) -> DataFolder:
    """Return the folder, made where it is missing, with its keys.

    Raises:
        FileUnusableError: it cannot be written.
    """
    folder = DataFolder(path.expanduser().absolute())
    try:
        # The embedded servers may run under another account, which has to pass through.
        folder.path.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise FileUnusableError(f"the data folder {folder.path} cannot be made: {error.strerror}") from None
    if not folder.signing_key.exists():
        write_private(folder.signing_key, new_signing_key())
    if not folder.cache_key.exists():
        write_private(folder.cache_key, base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    if not folder.master_keys.exists():
        write_private(folder.master_keys, b"1:" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    write_public(folder.jwks, public_jwks(read_signing_key(folder.signing_key)))
    return folder
