"""Queries: each is answered, with what was asked for or with a problem document."""

from collections.abc import Sequence

from attrs import field, frozen

from user_stream.burying import Burying, baffled, refused
from user_stream.following import following
from user_stream.outcomes import End
from user_stream.problems import CONTENT_TYPE, problem_of
from user_stream.replying import Reply, Replying, UnanswerableError
from user_stream.retrying import BaffledError, Retrying
from user_stream.tracing import END, Following
from user_stream.work import Fault, Work, together
from usercore.codec.messages import PreferencesOf
from usercore.codec.preferences import render_preferences
from usercore.codec.profile import render_profile
from usercore.codec.scalars import compact
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.read_users import UserNamed
from usercore.wiring.core import Core

__all__ = ["AnswerQueries"]


@frozen
class AnswerQueries:
    """Answers the queries of a batch, side by side."""

    core: Core
    retrying: Retrying
    replying: Replying
    burying: Burying
    following: Following = field(factory=Following)

    async def __call__(self, works: Sequence[Work]) -> Sequence[End]:
        """Bring every query to its end, and return the ends in order.

        Raises:
            GivenUpError: a part stays away; some may have been answered, and will be once more.
        """
        return await together(self._one(work) for work in works)

    async def _one(self, work: Work) -> End:
        with self.following(work) as span:
            end = await self._attempt(work)
            span.note(END, end.value)
        return end

    async def _attempt(self, work: Work) -> End:
        try:
            topic = self.replying.topic_for(work)
            reply = await self._answer(work)
            await self._send(work, topic, reply)
        except UnanswerableError as error:
            return await self._bury(work, Fault(error.code, error.detail))
        except UserCoreError as error:
            return await self._bury(work, refused(error))
        except BaffledError as error:
            return await self._bury(work, baffled(error))
        return End.ANSWERED

    async def _answer(self, work: Work) -> Reply:
        try:
            return await self.retrying(lambda: self._look(work))
        except UserCoreError as error:
            return Reply("Problem", compact(problem_of(error)), CONTENT_TYPE)

    async def _look(self, work: Work) -> Reply:
        match work.message.read():
            case UserNamed(user_id=str(ident), email=None, username=None, external_id=None):
                return Reply("UserProfile", (await following(UserId(ident), self.core.read_profile)).body)
            case UserNamed() as named:
                return Reply("UserProfile", render_profile(await self.core.get_user(named)))
            case PreferencesOf(user_id):
                held = await following(user_id, self.core.get_email_preferences)
                return Reply("UserEmailPreferences", render_preferences(held))
            case _:
                raise TypeError("no query")

    async def _send(self, work: Work, topic: str, reply: Reply) -> None:
        await self.retrying(lambda: self.replying.send(work, topic, reply))

    async def _bury(self, work: Work, fault: Fault) -> End:
        await self.burying(work.raw, fault)
        return End.BURIED
