"""Users as a library: their rules, storage, cache and events, without a web framework.

Everything that a program needs to use the library stands here by name (:mod:`usercore.wiring.public` lists
it); what it takes to extend it stands in the packages below. The names are imported when the first of them
is used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usercore.wiring.public import *  # noqa: F403 - the same names, for type checkers


def __getattr__(name: str) -> object:
    """Import the public names when the first of them is used.

    Raises:
        AttributeError: there is no such name.
    """
    if name.startswith("_") or name not in (public := import_module("usercore.wiring.public")).__all__:
        raise AttributeError(f"module 'usercore' has no attribute {name!r}")
    value: object = getattr(public, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return list(import_module("usercore.wiring.public").__all__)
