"""`userctl serve`: the HTTP service on one's own servers, with one's own keys."""

import signal
import subprocess
from pathlib import Path

import httpx

from tests.cli.processes import wait_until
from tests.cli.userctl import COMMAND, Userctl
from user_cli.embedded.process import free_port


def test_the_service_runs_on_given_servers_believes_given_keys_and_drains_on_sigterm(
    userctl: Userctl, database_url: str, tmp_path: Path
) -> None:
    private, public, port = tmp_path / "key.pem", tmp_path / "jwks.json", free_port()
    assert userctl("token", "keygen", "--private", str(private), "--public", str(public)).code == 0
    minted = userctl("token", "--key-file", str(private), "--subject", "tests", "--scope", "users:read")
    environ = dict(userctl.environ) | {
        "DATABASE_URL": database_url,
        "USER_SERVICE_LISTEN_PORT": str(port),
        "USER_SERVICE_TOKEN_KEY_FILE": str(public),
    }
    with subprocess.Popen([*COMMAND, "serve", "--migrate"], env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                wait_until(lambda: is_ready(http))
                assert http.get("/v1/users").status_code == 401
                users = http.get("/v1/users", headers={"authorization": f"Bearer {minted.out.strip()}"})
                assert (users.status_code, users.json()["items"]) == (200, [])
                process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def is_ready(http: httpx.Client) -> bool:
    try:
        return http.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False
