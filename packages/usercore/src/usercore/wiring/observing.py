"""Put observers around every use case of a core."""

from typing import Any

from attrs import evolve, fields

from usercore.observe.use_cases import UseCaseObserver, observed, traced
from usercore.wiring.core import Core

_BARE = frozenset({"ports", "once"})
"""What is no use case: the ports, and the wrapper that runs one."""


def observe_core(core: Core, observer: UseCaseObserver, *, traces: bool = False) -> Core:
    """Return the same core, every call of whose use cases is reported, and is a span where there are traces."""
    names = [one.name for one in fields(Core) if one.name not in _BARE]
    wrapped: dict[str, Any] = {name: getattr(core, name) for name in names}
    if traces:
        wrapped = {name: traced(use_case, name) for name, use_case in wrapped.items()}
    return evolve(core, **{name: observed(use_case, name, observer) for name, use_case in wrapped.items()})
