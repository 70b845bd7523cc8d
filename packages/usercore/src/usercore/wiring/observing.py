"""Put observers around every use case of a core."""

from typing import Any

from attrs import evolve, fields

from usercore.observe.use_cases import UseCaseObserver, observed
from usercore.wiring.core import Core

_BARE = frozenset({"ports", "once"})
"""What is no use case: the ports, and the wrapper that runs one."""


def observe_core(core: Core, observer: UseCaseObserver) -> Core:
    """Return the same core, every call of whose use cases is reported."""
    wrapped: dict[str, Any] = {
        one.name: observed(getattr(core, one.name), one.name, observer) for one in fields(Core) if one.name not in _BARE
    }
    return evolve(core, **wrapped)
