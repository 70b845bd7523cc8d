"""Checkpoints, and the trail that they attest: whole, in order, and each chain that moved once."""

from collections.abc import AsyncIterator, Sequence

import pytest
from attrs import evolve

from tests.builders import IDS, SetClock, a_context, creation, update
from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.entry import SERVICE_CHAIN
from usercore.audit.ports import KeptCheckpoint, MovedHead, NewCheckpoint
from usercore.audit.verify_audit import VerifyAudit, VerifyCommand
from usercore.kernel.errors import UnavailableError
from usercore.wiring.core import Core, Ports, assemble


@pytest.fixture
def core(ports: Ports) -> Core:
    """Every use case, with a key to sign with."""
    signer = Ed25519Signer.generate("tests")
    verifier = Ed25519Verifier([signer.key])
    return assemble(evolve(ports, signer=signer, verifier=verifier, clock=SetClock()))


async def heads_of(core: Core) -> Sequence[tuple[str, int, int]]:
    """Give the leaves so far: whose, up to where, and from where."""
    return [(one.head.user_id, one.head.sequence, one.before) async for one in core.ports.archive.leaves()]


async def test_the_chains_that_moved_are_added_in_the_order_of_their_ids(core: Core) -> None:
    born = sorted((creation() for _ in range(3)), key=lambda one: one.user.id)
    await core.ports.writer.commit(born)
    await core.record_reads.listed([born[0].user.id], ["q"], a_context())
    first = await core.make_checkpoint()
    await core.ports.writer.commit([update(born[1].user, first_name="Ada")])
    await core.record_reads(born[1].user.id, ["profile"], a_context())
    second = await core.make_checkpoint()
    idle = await core.make_checkpoint()

    assert await heads_of(core) == [
        (SERVICE_CHAIN, 1, 0),
        *((one.user.id, 1, 0) for one in born),
        (born[1].user.id, 3, 1),
    ]
    assert first is not None
    assert second is not None
    assert idle is not None
    made = [one.checkpoint for one in (first, second, idle)]
    assert [(one.number, one.size, one.entries) for one in made] == [(1, 4, 4), (2, 5, 6), (3, 5, 6)]
    assert [one.previous for one in made[1:]] == [one.digest for one in made[:2]]


async def test_what_is_kept_is_read_as_it_was_signed(core: Core) -> None:
    assert await core.ports.checkpoints.last() is None
    made = [await core.make_checkpoint() for _ in range(3)]
    notes = [str(one.note) for one in made if one is not None]

    kept = await core.ports.checkpoints.after(0, limit=10)

    assert [(one.number, one.note) for one in kept] == list(enumerate(notes, start=1))
    assert await core.ports.checkpoints.after(1, limit=1) == [kept[1]]
    assert await core.ports.checkpoints.after(3, limit=1) == []
    assert await core.ports.checkpoints.last() == kept[2]


async def test_where_building_one_fails_nothing_is_kept(core: Core) -> None:
    await core.ports.writer.commit([creation()])

    async def fail(_: KeptCheckpoint | None, moved: AsyncIterator[MovedHead]) -> NewCheckpoint | None:
        assert [one.before async for one in moved] == [0]
        raise UnavailableError("the key is away")

    with pytest.raises(UnavailableError, match="away"):
        await core.ports.checkpoints.extend(fail)

    assert await heads_of(core) == []
    assert await core.ports.checkpoints.after(0, limit=1) == []
    made = await core.make_checkpoint()
    assert made is not None
    assert (made.checkpoint.number, made.checkpoint.size) == (1, 1)


async def test_the_last_one_comes_with_the_peaks_of_its_tree(core: Core) -> None:
    await core.ports.writer.commit([creation() for _ in range(5)])
    made = await core.make_checkpoint()
    seen: list[KeptCheckpoint | None] = []

    async def look(last: KeptCheckpoint | None, _: AsyncIterator[MovedHead]) -> NewCheckpoint | None:
        seen.append(last)
        return None

    assert await core.ports.checkpoints.extend(look) is None
    [last] = seen
    assert made is not None
    assert last is not None
    assert SignedCheckpoint.parse(last.note) == made
    assert len(last.peaks) == (5).bit_count()


async def test_a_trail_verifies_and_what_it_does_not_tell_of_is_found(core: Core) -> None:
    born = creation()
    await core.ports.writer.commit([born])
    await core.ports.writer.commit([update(born.user, first_name="Ada")])
    await core.record_reads(born.user.id, ["profile"], a_context())
    await core.record_reads.listed([born.user.id], [], a_context())
    await core.make_checkpoint()
    verify: VerifyAudit = core.verify_audit

    report = await verify(VerifyCommand())

    assert report.findings == ()
    assert (report.entries, report.chains, report.leaves, report.checkpoints) == (4, 2, 2, 1)
    assert (await verify(VerifyCommand(born.user.id))).entries == 3
    # A chain about nobody.
    await core.record_reads(IDS.user_id(), ["profile"], a_context())
    assert [one.kind for one in (await verify(VerifyCommand())).findings] == ["chain_orphaned"]
    few = await verify(VerifyCommand(most=0))
    assert (few.findings, few.further, few.is_clean) == ((), 1, False)
