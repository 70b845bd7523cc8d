"""Whether an address must not be written to."""

from collections.abc import Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, json_answer
from user_http.decoding.body import read_body
from user_http.decoding.query import read_query
from user_http.pipeline import Operation
from user_http.requests import Call
from user_http.schemas.mailing import AddressToCheck
from usercore.codec.mailing import suppressions_object
from usercore.codec.scalars import compact
from usercore.wiring.core import Core


@frozen
class SuppressionsController:
    """Answers about the suppression list."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.CHECK_SUPPRESSION, self.check)

    async def check(self, call: Call) -> Answer:
        """Say whether an address is on the list; nothing changes, although it is posted."""
        read_query(call)
        body = await read_body(call, AddressToCheck)
        return json_answer(compact(suppressions_object(await self.core.check_suppression(body.email))))
