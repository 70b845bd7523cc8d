"""`userctl token`: signing keys, and bearer tokens signed with them."""

import os
from datetime import UTC, datetime
from pathlib import Path

from user_cli.commands.options import AsJson, WithDefault, command_group
from user_cli.failures import UsageError
from user_cli.inputs import span, write_private, write_public
from user_cli.output import say, show_json
from user_cli.tokens import ALL_SCOPES, Audience, new_signing_key, public_jwks, read_signing_key, sign_token
from usercore.settings import AuthSettings, load

__all__ = ["app", "audience"]

_ABOUT = """\
Write a bearer token, signed with a private key; or make keys.

Issuer and audience are those of USER_SERVICE_TOKEN_ISSUER and USER_SERVICE_TOKEN_AUDIENCE.

```
userctl token keygen --private signing-key.pem --public jwks.json
userctl token --key-file signing-key.pem --subject reports --scope users:read --lifetime 1h
```
"""

app = command_group("token", _ABOUT)


@app.default
def mint(
    *,
    key_file: Path,
    subject: str,
    scope: tuple[str, ...] = (),
    lifetime: WithDefault[str] = "15m",
    as_json: AsJson = False,
) -> None:
    """Write a bearer token, signed with a private key.

    Issuer and audience are those of USER_SERVICE_TOKEN_ISSUER and USER_SERVICE_TOKEN_AUDIENCE.

    ```
    userctl token --key-file signing-key.pem --subject reports --scope users:read --lifetime 1h
    ```

    Args:
        key_file: an Ed25519 private key in PEM.
        subject: a user's id, or the name of the machine or person that calls.
        scope: once for each: users:read, users:write, users:admin, privacy:manage, audit:read. None for a user.
        lifetime: how long it is valid: 30s, 15m, 12h, 7d.
        as_json: write {"token": ..., "expiresAt": ...}.
    """
    if not set(scope) <= set(ALL_SCOPES):
        raise UsageError(f"--scope: write one of {', '.join(ALL_SCOPES)}")
    if not subject.strip():
        raise UsageError("--subject: name who calls")
    now = datetime.now(UTC)
    length = span("--lifetime", lifetime)
    key = read_signing_key(key_file)
    token = sign_token(key, audience(), subject=subject, scopes=scope, now=now, lifetime=length)
    if as_json:
        show_json({"token": token, "expiresAt": (now + length).isoformat(timespec="seconds").replace("+00:00", "Z")})
    else:
        say(token)


def audience() -> Audience:
    """Return the issuer and audience of the environment.

    Raises:
        SettingsError: one of them cannot be used.
    """
    # Minting needs no way to check tokens, which serving insists on.
    names = {"USER_SERVICE_TOKEN_ISSUER", "USER_SERVICE_TOKEN_AUDIENCE"}
    environ = {name: value for name, value in os.environ.items() if name in names}
    settings = load(AuthSettings, environ | {"USER_SERVICE_TOKEN_KEY_FILE": os.devnull})
    return Audience(settings.issuer, settings.audience)


@app.command
def keygen(*, private: Path, public: Path, force: bool = False) -> None:
    """Make a key pair: a private key to sign tokens with, and a JWKS for USER_SERVICE_TOKEN_KEY_FILE.

    ```
    userctl token keygen --private signing-key.pem --public jwks.json
    ```

    Args:
        private: takes the Ed25519 private key, which its owner alone may read.
        public: takes the JWKS.
        force: replace files that are there.
    """
    if private.absolute() == public.absolute():
        raise UsageError("name two different files")
    if not force and (private.exists() or public.exists()):
        raise UsageError("a file of that name is there: name another one, or replace it with --force")
    write_private(private, new_signing_key())
    write_public(public, public_jwks(read_signing_key(private)))
    say(f"private key: {private}")
    say(f"JWKS: {public}")
