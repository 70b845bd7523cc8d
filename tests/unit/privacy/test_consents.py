"""Consents over a core in memory: what is said, by whom, and what then holds."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import IDS, NOW, SetClock, a_context, change_of
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.privacy.consents.errors import ConsentInvalidError, PurposeInvalidError
from usercore.privacy.consents.events import UserConsentChanged
from usercore.privacy.consents.ports import ConsentLedger
from usercore.privacy.consents.purposes import RegisterPurposeCommand
from usercore.privacy.consents.record_consent import RecordConsentCommand
from usercore.privacy.consents.values import SALE, Consent, LedgerEntry
from usercore.users.create_user import CreateUserCommand
from usercore.users.deactivate_user import DeactivateUserCommand
from usercore.users.errors import StaleVersionError, UserDeactivatedError, UserNotFoundError, UserRestrictedError
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_core

CONTEXT = a_context()
ADS = RegisterPurposeCommand("ads", "Advertising", "2026-01", "Ads that fit you.")


async def a_core() -> Core:
    core = memory_core(clock=SetClock())
    await core.register_purpose(ADS)
    return core


async def a_user(core: Core) -> User:
    profile = ProfilePatch(email=f"{IDS.user_id()}@example.com", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), CONTEXT)


def say(user: User, purpose: str = "ads", *, given: bool, **more: Any) -> RecordConsentCommand:
    return RecordConsentCommand(user.id, purpose, given, **more)


async def lines_of(core: Core, user: User) -> list[LedgerEntry]:
    return list((await core.read_consents(user.id, limit=500)).page.items)[::-1]


async def test_a_consent_is_a_line_a_version_and_an_event() -> None:
    core = await a_core()
    user = await a_user(core)

    done = await core.record_consent(say(user, given=True, source="sign-up", proof="form 7"), CONTEXT)

    said = Consent("ads", given=True, wording_version="2026-01", source="sign-up", at=NOW)
    assert (done.version, done.entry) == (2, LedgerEntry(user.id, 2, said, CONTEXT.actor, "form 7"))
    assert await lines_of(core, user) == [done.entry]
    [step, _] = (await core.read_history(user.id)).items
    assert (step.message, [one.field for one in step.changes]) == (UserConsentChanged.message, ["consents.ads"])


async def test_a_withdrawal_takes_no_more_than_giving_did() -> None:
    core = await a_core()
    user = await a_user(core)
    await core.record_consent(say(user, given=True), CONTEXT)

    done = await core.record_consent(say(user, given=False), CONTEXT)

    held = {one.purpose.name: one for one in (await core.read_consents(user.id)).standings}
    assert (held["ads"].given, held["ads"].entry) == (False, done.entry)
    assert (held["sale"].given, held["sale"].entry) == (False, None)
    assert [line.consent.given for line in await lines_of(core, user)] == [True, False]


@pytest.mark.parametrize("given", [True, False])
async def test_what_was_said_already_adds_nothing(given: bool) -> None:
    core = await a_core()
    user = await a_user(core)
    first = await core.record_consent(say(user, given=given, proof="form 7"), CONTEXT)

    for proof in (None, "form 7"):
        again = await core.record_consent(say(user, given=given, source="elsewhere", proof=proof), CONTEXT)
        assert again == first

    assert await lines_of(core, user) == [first.entry]


@pytest.mark.parametrize("news", [{"wording_version": "2026-02"}, {"proof": "form 8"}])
async def test_a_consent_for_another_wording_or_with_another_proof_is_a_line_of_its_own(news: dict[str, Any]) -> None:
    core = await a_core()
    user = await a_user(core)
    await core.record_consent(say(user, given=True, proof="form 7"), CONTEXT)

    done = await core.record_consent(say(user, given=True, **news), CONTEXT)

    assert done.version == 3
    assert len(await lines_of(core, user)) == 2


async def test_a_user_who_is_deactivated_can_withdraw_and_not_give() -> None:
    core = await a_core()
    user = await a_user(core)
    await core.record_consent(say(user, given=True), CONTEXT)
    await core.deactivate_user(DeactivateUserCommand(user.id), CONTEXT)

    done = await core.record_consent(say(user, given=False), CONTEXT)
    with pytest.raises(UserDeactivatedError):
        await core.record_consent(say(user, given=True), CONTEXT)

    assert await core.ports.consents.latest(user.id) == {"ads": done.entry}


async def test_a_user_whose_data_is_restricted_can_withdraw_and_not_give() -> None:
    core = await a_core()
    user = await a_user(core)
    [refusal] = await core.ports.writer.commit([change_of(user.restrict(on=True, now=NOW))])
    assert refusal is None

    with pytest.raises(UserRestrictedError):
        await core.record_consent(say(user, given=True), CONTEXT)
    done = await core.record_consent(say(user, given=False), CONTEXT)

    assert await core.ports.consents.latest(user.id) == {"ads": done.entry}


async def test_an_opt_out_of_sale_needs_no_registration_and_is_recorded_once() -> None:
    core = memory_core(clock=SetClock())
    user = await a_user(core)
    actor = Actor(ActorKind.USER, user.id)

    assert await core.opt_out_of_sale(user.id, a_context(actor=actor)) is True
    assert await core.opt_out_of_sale(user.id, a_context(actor=actor)) is False

    [line] = await lines_of(core, user)
    assert line.consent == Consent("sale", given=False, wording_version="1", source="sec-gpc", at=NOW)
    assert line.actor == actor


async def test_the_sale_of_data_can_be_registered_with_a_wording_of_the_operators_own() -> None:
    core = memory_core(clock=SetClock())
    assert list(await core.list_purposes()) == [SALE]
    mine = await core.register_purpose(RegisterPurposeCommand("sale", "Selling", "7"))
    assert list(await core.list_purposes()) == [mine]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"purpose": "weather"}, ("purpose", "purpose_unknown")),
        ({"source": " "}, ("source", "too_short")),
        ({"source": "x" * 51}, ("source", "too_long")),
        ({"wording_version": "x" * 51}, ("wording_version", "too_long")),
        ({"proof": "x" * 501}, ("proof", "too_long")),
        ({"proof": "a\nb"}, ("proof", "control_character")),
    ],
)
async def test_what_breaks_a_rule_is_refused_and_not_kept(fields: dict[str, str], rule: tuple[str, str]) -> None:
    core = await a_core()
    user = await a_user(core)

    with pytest.raises(ConsentInvalidError) as refused:
        await core.record_consent(say(user, given=True, **fields), CONTEXT)

    assert [(*one.path, one.code) for one in refused.value.violations] == [rule]
    assert await lines_of(core, user) == []


@pytest.mark.parametrize("name", ["", "Ads", "ads-", "a b", "x" * 51])
async def test_a_purpose_has_a_plain_name(name: str) -> None:
    with pytest.raises(PurposeInvalidError):
        await memory_core().register_purpose(RegisterPurposeCommand(name, "Title", "1"))


async def test_a_stale_version_and_a_user_who_is_not_there_are_refused() -> None:
    core = await a_core()
    user = await a_user(core)
    with pytest.raises(StaleVersionError):
        await core.record_consent(say(user, given=True, expected_version=7), CONTEXT)
    with pytest.raises(UserNotFoundError):
        await core.record_consent(RecordConsentCommand(IDS.user_id(), "ads", given=True), CONTEXT)


async def test_what_held_at_a_version_can_be_read_again() -> None:
    core = await a_core()
    user = await a_user(core)
    first = await core.record_consent(say(user, given=True), CONTEXT)
    second = await core.record_consent(say(user, given=False), CONTEXT)

    assert await core.read_consents.at_version(user.id, "ads", 2) == first
    assert await core.read_consents.at_version(user.id, "ads", 3) == second
    with pytest.raises(ConsentInvalidError):
        await core.read_consents.at_version(user.id, "ads", 1)


async def test_the_ledger_is_read_page_by_page() -> None:
    core = await a_core()
    user = await a_user(core)
    for number in range(5):
        await core.record_consent(say(user, given=number % 2 == 0), CONTEXT)

    pages, below = [], None
    while True:
        page = (await core.read_consents(user.id, below_version=below, limit=2)).page
        pages.append([line.version for line in page.items])
        if page.next_cursor is None:
            break
        below = int(page.next_cursor)

    assert pages == [[6, 5], [4, 3], [2]]


SAYINGS = st.tuples(
    st.sampled_from(["ads", "sale", "research"]), st.booleans(), st.sampled_from(["1", "2"]), st.none() | st.just("p")
)


@settings(max_examples=60)
@given(st.lists(SAYINGS, max_size=25))
async def test_the_ledger_replays_to_what_holds_and_has_no_line_too_many(
    sayings: list[tuple[str, bool, str, str | None]],
) -> None:
    core = await a_core()
    await core.register_purpose(RegisterPurposeCommand("research", "Research", "1"))
    user = await a_user(core)
    wanted: dict[str, bool] = {}
    for purpose, given_, wording, proof in sayings:
        command = RecordConsentCommand(user.id, purpose, given_, wording_version=wording, proof=proof)
        await core.record_consent(command, CONTEXT)
        wanted[purpose] = given_

    lines = await lines_of(core, user)
    replayed = {line.consent.purpose: line.consent.given for line in lines}
    held = {one.purpose.name: one for one in (await core.read_consents(user.id)).standings}

    assert replayed == wanted
    assert {name: one.given for name, one in held.items() if one.entry} == wanted
    assert [line.version for line in lines] == list(range(2, len(lines) + 2))
    for older, newer in ((a, b) for i, a in enumerate(lines) for b in lines[i + 1 :]):
        if older.consent.purpose == newer.consent.purpose and not older.consent.given:
            assert newer.consent.given
            break


@define
class Overtaken:
    """A ledger to which somebody else adds a line between the loading of the user and the look into it."""

    inner: ConsentLedger
    add: Callable[[], Awaitable[object]] | None = None

    async def latest(self, user_id: UserId, *, up_to_version: int | None = None) -> Mapping[str, LedgerEntry]:
        add, self.add = self.add, None
        if add is not None:
            await add()
        return await self.inner.latest(user_id, up_to_version=up_to_version)

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[LedgerEntry]:
        return await self.inner.entries(user_id, below_version=below_version, limit=limit)


async def test_who_is_overtaken_by_the_same_word_is_told_of_the_version_that_it_made() -> None:
    core = await a_core()
    user = await a_user(core)
    ledger = Overtaken(core.ports.consents, lambda: core.record_consent(say(user, given=True), CONTEXT))
    overtaken = assemble(evolve(core.ports, consents=ledger))

    done = await overtaken.record_consent(say(user, given=True), CONTEXT)

    assert (done.version, done.entry.version) == (2, 2)
    assert await core.read_consents.at_version(user.id, "ads", done.version) == done


async def test_of_opposite_consents_at_once_ledger_and_state_agree_on_the_last() -> None:
    core = await a_core()
    user = await a_user(core)

    await asyncio.gather(*(core.record_consent(say(user, given=n % 2 == 0), CONTEXT) for n in range(20)))

    lines = await lines_of(core, user)
    assert (await core.ports.consents.latest(user.id))["ads"] == lines[-1]
    said = [line.consent.given for line in lines]
    assert all(one != other for one, other in itertools.pairwise(said))
    assert (await core.read_consents(user.id)).version == lines[-1].version
