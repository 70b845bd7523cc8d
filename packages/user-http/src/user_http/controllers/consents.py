"""Consents: read, give and withdraw."""

from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, versioned
from user_http.conditions import expected_version, if_match
from user_http.controllers.common import context_of, given, record_read
from user_http.controllers.history import VERSION_MAX
from user_http.controllers.listing import links
from user_http.decoding.body import read_body
from user_http.decoding.query import read_query, whole_number
from user_http.idempotency import once
from user_http.pipeline import Operation
from user_http.requests import Call
from user_http.schemas.consents import ConsentInput
from user_http.signals import opts_out
from usercore.codec.consents import render_consent, render_consents
from usercore.kernel.context import CommandContext
from usercore.kernel.receipts import Settled
from usercore.privacy.consents.errors import ConsentContradictedError
from usercore.privacy.consents.record_consent import RecordConsentCommand, RecordedConsent
from usercore.privacy.consents.values import SALE
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core


@frozen
class ConsentsController:
    """Answers the operations on consents."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.GET_CONSENTS, self.get)
        yield Operation(routes.RECORD_CONSENT, self.record)

    async def get(self, call: Call) -> Answer:
        """Serve what holds, and a page of the ledger."""
        query = read_query(call, "limit", "cursor")
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        below = query.read("cursor", whole_number(1, VERSION_MAX))
        query.check()
        consents = await self.core.read_consents(call.target, below_version=below, limit=limit or PAGE_DEFAULT)
        await record_read(self.core, call, call.target, "consents")
        path = routes.GET_CONSENTS.path.replace("{userId}", call.target)
        link = links(path, query.values, consents.page.next_cursor)
        return versioned(render_consents(consents), consents.version, (b"link", link))

    async def record(self, call: Call) -> Answer:
        """Take note of what a user says of one purpose."""
        read_query(call)
        match, user_id = if_match(call, required=False), call.target
        body = await read_body(call, ConsentInput)
        if body.given and body.purpose == SALE.name and opts_out(call):
            raise ConsentContradictedError

        async def work(context: CommandContext) -> Answer:
            command = RecordConsentCommand(
                user_id,
                body.purpose,
                body.given,
                wording_version=given(body.wording_version),
                source=given(body.source),
                proof=given(body.proof),
                expected_version=await expected_version(match, user_id, self.core.get_user),
            )
            return _answer(await self.core.record_consent(command, context))

        async def replay(settled: Settled) -> Answer:
            held = await self.core.read_consents.at_version(settled.user_id, body.purpose, settled.version)
            return _answer(held)

        return await once(call, self.core.once, context_of(call, user_id), work=work, replay=replay)


def _answer(recorded: RecordedConsent) -> Answer:
    return versioned(render_consent(recorded), recorded.version)
