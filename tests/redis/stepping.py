"""Coroutines taken one step at a time, in every order.

A world's coroutines stop before each step they take on what they share. :func:`explore` goes through every
order of steps, and through every fault the world allows in between, by replaying the world from its
beginning. Two orders that lead to the same state are followed once: what a coroutine does next depends on
what it has seen, so the state is what is shared plus what each has seen.
"""

import types
from collections.abc import Callable, Coroutine, Generator, Hashable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from attrs import define, field

from usercore.kernel.errors import UserCoreError

Action: TypeAlias = tuple[str, str]
"""What is done, and by or to whom."""

RUN = "run"


class ViolationError(AssertionError):
    """Some order of steps breaks the promise; the message is that order."""


@types.coroutine
def _pause(label: str) -> Generator[str, None, None]:
    yield label


@define(eq=False)
class Actor:
    """One coroutine.

    Args:
        name: what it is called in a failing order.
        seen: everything it has learnt from what is shared.
        at: the step before which it stands; None when it has ended.
        dead: it will never be resumed.
    """

    name: str
    body: Coroutine[Any, Any, None] | None = None
    seen: list[Hashable] = field(factory=list)
    at: str | None = None
    dead: bool = False
    closing: bool = False

    async def step(self, label: str) -> None:
        """Stop before a step."""
        if not self.closing:
            await _pause(label)

    def learn(self, value: Hashable) -> None:
        self.seen.append(value)

    def resume(self, error: Exception | None = None) -> None:
        """Take the step it stands before; with an error, that step fails."""
        assert self.body is not None
        try:
            self.at = self.body.send(None) if error is None else self.body.throw(error)
        except (StopIteration, UserCoreError):
            self.at = None

    def close(self) -> None:
        """Let the coroutine run out without anybody looking."""
        self.closing = True
        if self.body is not None:
            self.body.close()

    @property
    def ready(self) -> bool:
        return self.at is not None and not self.dead


class World(Protocol):
    """Actors, and what they share."""

    @property
    def actors(self) -> Sequence[Actor]: ...

    def state(self) -> Hashable:
        """Return what is shared, as a value."""
        ...

    def faults(self) -> Iterator[Action]:
        """Yield the faults that may happen now."""
        ...

    def fault(self, action: Action) -> None:
        """Let one happen."""
        ...

    def check(self, *, at_rest: bool) -> None:
        """Raise AssertionError where something is wrong; `at_rest` says that nobody will take a step any more."""
        ...


def explore(make: Callable[[], World]) -> int:
    """Go through every order and return the number of states seen.

    Raises:
        ViolationError: with the shortest-found order that breaks something.
    """
    seen: set[Hashable] = set()
    open_ends: list[tuple[Action, ...]] = [()]
    while open_ends:
        order = open_ends.pop()
        world = make()
        try:
            _replay(world, order)
            state = (world.state(), tuple((one.at, one.dead, tuple(one.seen)) for one in world.actors))
            if state not in seen:
                seen.add(state)
                actions = [*((RUN, one.name) for one in world.actors if one.ready), *world.faults()]
                _checked(world, order, at_rest=not actions)
                open_ends.extend((*order, action) for action in actions)
        finally:
            for one in world.actors:
                one.close()
    return len(seen)


def _replay(world: World, order: Sequence[Action]) -> None:
    actors = {one.name: one for one in world.actors}
    for kind, name in order:
        try:
            if kind == RUN:
                actors[name].resume()
            else:
                world.fault((kind, name))
        except AssertionError as error:
            raise ViolationError(_told(order, error)) from error


def _checked(world: World, order: Sequence[Action], *, at_rest: bool) -> None:
    try:
        world.check(at_rest=at_rest)
    except AssertionError as error:
        raise ViolationError(_told(order, error)) from error


def _told(order: Sequence[Action], error: AssertionError) -> str:
    return " → ".join(" ".join(action) for action in order) + f": {error}"
