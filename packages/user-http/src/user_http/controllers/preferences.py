"""Email preferences: read and change."""

from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, versioned
from user_http.conditions import expected_version, if_match
from user_http.controllers.common import context_of, given, record_read
from user_http.decoding.body import read_body
from user_http.decoding.media import JSON, MERGE_PATCH
from user_http.decoding.query import read_query
from user_http.idempotency import once
from user_http.pipeline import Operation
from user_http.requests import Call
from user_http.schemas.preferences import EmailPreferencesPatch
from usercore.codec.preferences import render_preferences
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import Settled
from usercore.preferences.get_email_preferences import EmailPreferences
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.wiring.core import Core


@frozen
class PreferencesController:
    """Answers the operations on email preferences."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_EMAIL_PREFERENCES, self.get)
        yield Operation(routes.PATCH_EMAIL_PREFERENCES, self.patch)

    async def get(self, call: Call) -> Answer:
        """Read a user's preferences."""
        if call.query_string:
            read_query(call)
        return await self.read(call, call.target)

    async def read(self, call: Call, user_id: UserId) -> Answer:
        """Read the preferences of a user, whichever way the request named them.

        They are always sent whole: a topic that the operator registers shows in them without a new version.
        """
        preferences = await self.core.get_email_preferences(user_id)
        await record_read(self.core, call, user_id, "email_preferences")
        return _answer(preferences)

    async def patch(self, call: Call) -> Answer:
        """Take note of what a user says of some topics."""
        read_query(call)
        match, user_id = if_match(call, required=False), call.target
        body = await read_body(call, EmailPreferencesPatch, (MERGE_PATCH, JSON))
        choices = {
            name: PreferenceChoice(one.subscribed, given(one.source), given(one.wording_version))
            for name, one in body.topics.items()
        }

        async def work(context: CommandContext) -> Answer:
            expected = await expected_version(match, user_id, self.core.get_user)
            command = UpdateEmailPreferencesCommand(user_id, choices, expected)
            return _answer(await self.core.update_email_preferences(command, context))

        async def replay(settled: Settled) -> Answer:
            return _answer(await self.core.get_email_preferences.at_version(settled.user_id, settled.version))

        return await once(call, self.core.once, context_of(call, user_id), work=work, replay=replay)


def _answer(preferences: EmailPreferences) -> Answer:
    return versioned(render_preferences(preferences), preferences.version)
