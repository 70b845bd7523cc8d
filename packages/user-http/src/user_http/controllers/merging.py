"""Merges of duplicate accounts, by operators."""

import json
from collections.abc import Iterator

from attrs import evolve, frozen

from user_http import routes
from user_http.answers import Answer, etag, items, json_answer
from user_http.conditions import Match, expected_version, if_match
from user_http.controllers.common import context_of, record_listing, record_read
from user_http.controllers.listing import links
from user_http.decoding.body import read_body
from user_http.decoding.query import ParameterRefusedError, one_of, read_query, whole_number
from user_http.idempotency import once
from user_http.pipeline import Operation
from user_http.requests import Call, is_uuid, parse_user_id
from user_http.schemas.merging import MergeToPreview, NewMerge, TwoPeople, UndoInput
from usercore.codec.merging import (
    candidate_object,
    domain_fields,
    merge_object,
    planned_merge_object,
    planned_undo_object,
)
from usercore.codec.scalars import compact
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import Settled
from usercore.merging.candidates import CandidateFilter
from usercore.merging.merge_users import MergeUsersCommand
from usercore.merging.undo_merge import UndoMergeCommand
from usercore.merging.values import Merge
from usercore.users.queries import PAGE_DEFAULT, PAGE_MAX
from usercore.wiring.core import Core


@frozen
class MergeController:
    """Answers what is asked of merges."""

    core: Core

    def operations(self) -> Iterator[Operation]:
        """List what this controller answers."""
        yield Operation(routes.PREVIEW_MERGE, self.preview)
        yield Operation(routes.MERGE_USERS, self.merge)
        yield Operation(routes.LIST_MERGES, self.list_of_user)
        yield Operation(routes.GET_MERGE, self.get)
        yield Operation(routes.PREVIEW_UNDO_OF_MERGE, self.preview_undo)
        yield Operation(routes.UNDO_MERGE, self.undo)
        yield Operation(routes.LIST_MERGE_CANDIDATES, self.list_candidates)
        yield Operation(routes.DISMISS_MERGE_CANDIDATE, self.dismiss)

    async def preview(self, call: Call) -> Answer:
        """Say what a merge would bring about."""
        read_query(call)
        match = if_match(call, required=False)
        body = await read_body(call, MergeToPreview)
        command = await self._command(call, body, match)
        planned = await self.core.preview_merge(command, context_of(call, call.target))
        for user in (planned.plan.survivor, planned.plan.merged):
            await record_read(self.core, call, user.id, "profile")
        return json_answer(compact(planned_merge_object(planned)), etag(planned.plan.survivor.version))

    async def merge(self, call: Call) -> Answer:
        """Merge an account into the one of the path."""
        read_query(call)
        match = if_match(call, required=True)
        body = await read_body(call, NewMerge)

        async def work(context: CommandContext) -> Answer:
            command = evolve(await self._command(call, body, match), reason=body.reason)
            done = await self.core.merge_users(command, context)
            return self._made(done.merge)

        async def replay(settled: Settled) -> Answer:
            return self._made(await self.core.read_merges.made_at(settled.user_id, settled.version))

        return await once(call, self.core.once, context_of(call, call.target), work=work, replay=replay)

    async def _command(self, call: Call, body: MergeToPreview | NewMerge, match: Match) -> MergeUsersCommand:
        return MergeUsersCommand(
            survivor=call.target,
            merged=parse_user_id(body.merged_user_id),
            take=domain_fields(body.take),
            expected_version=await expected_version(match, call.target, self.core.get_user),
        )

    async def list_of_user(self, call: Call) -> Answer:
        """List the merges that an account was part of."""
        read_query(call)
        merges = await self.core.read_merges(call.target)
        await record_read(self.core, call, call.target, "merges")
        return json_answer(items(map(self._body, merges), b"null"))

    async def get(self, call: Call) -> Answer:
        """Read one merge."""
        read_query(call)
        merge = await self.core.read_merges.one(call.target, _merge_id(call))
        await record_read(self.core, call, call.target, "merges")
        return json_answer(self._body(merge))

    async def preview_undo(self, call: Call) -> Answer:
        """Say what undoing a merge would bring about."""
        read_query(call)
        command = await self._undo_command(call, if_match(call, required=False))
        planned = await self.core.preview_undo(command, context_of(call, call.target))
        for user in (planned.plan.survivor, planned.plan.merged):
            await record_read(self.core, call, user.id, "profile")
        return json_answer(compact(planned_undo_object(planned)), etag(planned.plan.survivor.version))

    async def undo(self, call: Call) -> Answer:
        """Take a merge back."""
        read_query(call)
        match = if_match(call, required=False)
        body = await read_body(call, UndoInput)

        async def work(context: CommandContext) -> Answer:
            command = evolve(await self._undo_command(call, match), reason=body.reason)
            return self._undone((await self.core.undo_merge(command, context)).merge)

        async def replay(_: Settled) -> Answer:
            return self._undone(await self.core.read_merges.one(call.target, _merge_id(call)))

        return await once(call, self.core.once, context_of(call, call.target), work=work, replay=replay)

    async def _undo_command(self, call: Call, match: Match) -> UndoMergeCommand:
        expected = await expected_version(match, call.target, self.core.get_user)
        return UndoMergeCommand(call.target, _merge_id(call), expected_version=expected)

    async def list_candidates(self, call: Call) -> Answer:
        """List pairs of accounts that may be one person's."""
        query = read_query(call, "userId", "dismissed", "limit", "cursor")
        user_id = query.read("userId", _user_id)
        dismissed = query.read("dismissed", one_of("true", "false")) == "true"
        limit = query.read("limit", whole_number(1, PAGE_MAX))
        query.check()
        wanted, cursor = CandidateFilter(user_id, dismissed), query.values.get("cursor")
        page = await self.core.find_duplicates(wanted, cursor=cursor, limit=limit or PAGE_DEFAULT)
        shown = [user_id for one in page.items for user_id in (one.first, one.second)]
        await record_listing(self.core, call, list(dict.fromkeys(shown)), ["merge_candidates", *query.values])
        body = items((compact(candidate_object(one)) for one in page.items), json.dumps(page.next_cursor).encode())
        path = routes.LIST_MERGE_CANDIDATES.path
        return json_answer(body, (b"link", links(path, query.values, page.next_cursor)))

    async def dismiss(self, call: Call) -> Answer:
        """Remember that two accounts are two people's."""
        read_query(call)
        body = await read_body(call, TwoPeople)
        user_id, other_id = parse_user_id(body.user_id), parse_user_id(body.other_user_id)
        pair = await self.core.dismiss_candidate(user_id, other_id, body.reason, context_of(call, None))
        return json_answer(compact(candidate_object(pair)))

    def _body(self, merge: Merge) -> bytes:
        return compact(merge_object(merge, self.core.read_merges.policy.undoable_until(merge)))

    def _made(self, merge: Merge) -> Answer:
        path = routes.GET_MERGE.path.replace("{userId}", merge.survivor).replace("{mergeId}", merge.id)
        # As it was made: what became of it since is told where the header points.
        body = self._body(evolve(merge, undone=None))
        return json_answer(body, etag(merge.survivor_version), (b"location", path.encode()), status=201)

    def _undone(self, merge: Merge) -> Answer:
        return json_answer(self._body(merge))


def _user_id(raw: str) -> UserId:
    if not is_uuid(raw):
        raise ParameterRefusedError("not_an_id", "give the id of a user")
    return UserId(raw.lower())


def _merge_id(call: Call) -> EventId:
    """Return the path's merge id in canonical form; no merge has one of another form."""
    return EventId(call.params["mergeId"].lower())
