"""Segments: how many users a filter chooses, and filters that are kept under names."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from user_http import routes
from user_http.answers import Answer, items, json_answer
from user_http.controllers.common import context_of, record_count
from user_http.decoding.body import read_body
from user_http.decoding.query import read_query
from user_http.filters import asked_of, read_choice
from user_http.pipeline import Operation
from user_http.problems import BODY_INVALID, QUERY_MALFORMED, FieldProblem, RequestRefusedError
from user_http.requests import Call
from user_http.schemas.segments import NewSegment, SegmentDeletion, SegmentToCount
from usercore.codec.scalars import compact
from usercore.codec.segments import count_object, segment_object
from usercore.segments.read_filter import UserFilter
from usercore.segments.save_segment import SaveSegmentCommand
from usercore.wiring.core import Core


@frozen
class SegmentController:
    """Answers what is asked of segments."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.LIST_SEGMENTS, self.list_segments)
        yield Operation(routes.SAVE_SEGMENT, self.save)
        yield Operation(routes.GET_SEGMENT, self.get)
        yield Operation(routes.DELETE_SEGMENT, self.delete)
        yield Operation(routes.COUNT_SEGMENT, self.count)
        yield Operation(routes.COUNT_SEGMENT_BY_BODY, self.count_by_body)

    async def list_segments(self, call: Call) -> Answer:
        """List every segment, by name."""
        read_query(call)
        kept = await self.core.read_segments()
        return json_answer(items((compact(segment_object(one)) for one in kept), b"null"))

    async def save(self, call: Call) -> Answer:
        """Keep a filter under a name."""
        read_query(call)
        body = await read_body(call, NewSegment)
        command = SaveSegmentCommand(body.name, body.filter, body.about)
        segment = await self.core.save_segment(command, context_of(call, None))
        path = routes.GET_SEGMENT.path.replace("{name}", segment.name)
        return json_answer(compact(segment_object(segment)), (b"location", path.encode()), status=201)

    async def get(self, call: Call) -> Answer:
        """Read one segment."""
        read_query(call)
        return json_answer(compact(segment_object(await self.core.read_segments.one(call.params["name"]))))

    async def delete(self, call: Call) -> Answer:
        """Forget a segment."""
        read_query(call)
        body = await read_body(call, SegmentDeletion)
        segment = await self.core.delete_segment(call.params["name"], body.reason, context_of(call, None))
        return json_answer(compact(segment_object(segment)))

    async def count(self, call: Call) -> Answer:
        """Count whom the query chooses."""
        query = read_query(call, "filter", "segment")
        found = await read_choice(self.core, call, query.text("filter"), query.text("segment"))
        if found is None:
            missing = FieldProblem("/filter", "required", "give a filter, a segment, or both")
            raise RequestRefusedError(QUERY_MALFORMED, errors=(missing,))
        return await self._count(call, query.values, found)

    async def count_by_body(self, call: Call) -> Answer:
        """Count whom the body chooses: a filter that is long, or should stand in no URL, is posted."""
        read_query(call)
        body = await read_body(call, SegmentToCount)
        found = await read_choice(self.core, call, body.filter, body.segment)
        if found is None:
            raise RequestRefusedError(BODY_INVALID, errors=(FieldProblem("/filter", "required", "give a filter"),))
        given = {"filter": body.filter, "segment": body.segment}
        return await self._count(call, (name for name, value in given.items() if value is not None), found)

    async def _count(self, call: Call, names: Iterable[str], found: UserFilter) -> Answer:
        count = await self.core.count_segment(found)
        await record_count(self.core, call, asked_of(names, found))
        return json_answer(compact(count_object(found, count)))
