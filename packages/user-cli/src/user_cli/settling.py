"""One thing done about each of several, whatever becomes of the others, and what came of it as a table."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from attrs import field, frozen

from user_cli.failures import NotAllDoneError
from user_cli.output import say, show_json_page, show_table
from usercore.delivery.values import DeliveryState
from usercore.kernel.errors import ExhaustedError, UnavailableError, UserCoreError
from usercore.kernel.reasons import ReasonInvalidError
from usercore.messaging.values import DeadLetterState

__all__ = ["settle"]


class Settled(Protocol):
    """Something about which a thing was done."""

    @property
    def state(self) -> DeadLetterState | DeliveryState:
        """What became of it."""


Act: TypeAlias = Callable[[str], Awaitable[Settled]]


async def settle(act: Act, keys: Sequence[str], *, empty: str, as_json: bool) -> None:
    """Do a thing about each, go on where one is refused for a reason of its own, and show what came of all.

    Args:
        act: does it about the one of a key.
        keys: which; each is taken up once.
        empty: what a table says that has no row.
        as_json: show {"items": [{"id": ..., "result": ...}], "nextCursor": null}.

    Raises:
        NotAllDoneError: some were refused; what came of each was shown.
        UserCoreError: the only one was refused; or nothing can be done about any (no answer, an unfit reason), which
            leaves those after it untouched.
    """
    work = _Settling(act)
    distinct = tuple(dict.fromkeys(keys))
    try:
        for key in distinct:
            await work(key)
    finally:
        if len(distinct) != 1 or work.done:
            _show({key: work.result(key) for key in distinct}, len(work.done), empty=empty, as_json=as_json)
    if work.refused:
        [first, *others] = work.refused.values()
        if not others and not work.done:
            raise first
        raise NotAllDoneError(f"{len(work.refused)} of {len(distinct)} were refused; the first: {first}")


@frozen
class _Settling:
    act: Act
    done: dict[str, str] = field(factory=dict)
    refused: dict[str, UserCoreError] = field(factory=dict)

    async def __call__(self, key: str) -> None:
        try:
            self.done[key] = (await self.act(key)).state.value
        except (UnavailableError, ExhaustedError, ReasonInvalidError):
            raise
        except UserCoreError as error:
            self.refused[key] = error

    def result(self, key: str) -> str:
        """Return what came of one: its new state, the code of its refusal, or that it was not reached."""
        if key in self.refused:
            return self.refused[key].code
        return self.done.get(key, "untouched")


def _show(results: dict[str, str], done: int, *, empty: str, as_json: bool) -> None:
    if as_json:
        show_json_page([{"id": one, "result": result} for one, result in results.items()], None)
        return
    show_table(("ID", "RESULT"), results.items(), empty=empty)
    if results:
        say(f"{done} of {len(results)} done.")
