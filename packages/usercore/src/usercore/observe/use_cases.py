"""Metrics and traces around use cases, without a line in them."""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Any, Final, Protocol, TypeVar, cast

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UserCoreError
from usercore.kernel.tracing import carried, step

U = TypeVar("U")
T = TypeVar("T")

OK: Final = "ok"
CRASHED: Final = "unexpected"
CANCELLED: Final = "cancelled"


class UseCaseObserver(Protocol):
    """Is told of every call of a use case."""

    def use_case(self, name: str, outcome: str, seconds: float) -> None:
        """Take note of one call: `outcome` is ``ok`` or the code of the error."""
        ...


def observed(use_case: U, name: str, observer: UseCaseObserver) -> U:
    """Return a stand-in for a use case that behaves alike and reports each call.

    Args:
        use_case: a callable object, maybe with further coroutine methods.
        name: what to call it; a method is ``name.method``.
        observer: whom to tell.
    """
    return cast("U", _Observed(use_case, name, observer))


class _Observed:
    __slots__ = ("_inner", "_name", "_observer")

    def __init__(self, inner: Any, name: str, observer: UseCaseObserver) -> None:  # noqa: ANN401 -- any use case
        self._inner = inner
        self._name = name
        self._observer = observer

    async def __call__(self, *args: object, **kwargs: object) -> object:
        return await _timed(self._name, self._observer, self._inner(*args, **kwargs))

    def __getattr__(self, name: str) -> object:
        value = getattr(self._inner, name)
        if not iscoroutinefunction(value):
            return value
        return _timing(f"{self._name}.{name}", self._observer, value)


def _timing(
    name: str, observer: UseCaseObserver, method: Callable[..., Awaitable[T]]
) -> Callable[..., Coroutine[Any, Any, T]]:
    @functools.wraps(method)
    async def timed(*args: object, **kwargs: object) -> T:
        return await _timed(name, observer, method(*args, **kwargs))

    return timed


async def _timed(name: str, observer: UseCaseObserver, call: Awaitable[T]) -> T:
    began = perf_counter()
    outcome = CANCELLED
    try:
        result = await call
        outcome = OK
    except UserCoreError as error:
        outcome = error.code
        raise
    except Exception:
        outcome = CRASHED
        raise
    finally:
        observer.use_case(name, outcome, perf_counter() - began)
    return result


def traced(use_case: U, name: str) -> U:
    """Return a stand-in for a use case that behaves alike, each call a span within the current trace.

    What it changes is then caused by that span: the circumstances that it is given carry it on to the events.

    Args:
        use_case: a callable object, maybe with further coroutine methods.
        name: what to call it; a method is ``name.method``.
    """
    return cast("U", _Traced(use_case, name))


class _Traced:
    __slots__ = ("_inner", "_name")

    def __init__(self, inner: Any, name: str) -> None:  # noqa: ANN401 -- any use case
        self._inner = inner
        self._name = name

    async def __call__(self, *args: object, **kwargs: object) -> object:
        return await _followed(self._name, self._inner, args, kwargs)

    def __getattr__(self, name: str) -> object:
        value = getattr(self._inner, name)
        if not iscoroutinefunction(value):
            return value

        @functools.wraps(value)
        async def followed(*args: object, **kwargs: object) -> object:
            return await _followed(f"{self._name}.{name}", value, args, kwargs)

        return followed


async def _followed(
    name: str, call: Callable[..., Awaitable[T]], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    with step(name):
        return await call(*map(_carried, args), **{key: _carried(value) for key, value in kwargs.items()})


def _carried(argument: object) -> object:
    return carried(argument) if isinstance(argument, CommandContext) else argument
