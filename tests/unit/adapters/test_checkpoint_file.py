"""Checkpoints in a file: each once, in order, to the end, whoever else writes and whatever was torn."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.builders import SetClock, a_context
from usercore.adapters.crypto.signing import Ed25519Signer, Ed25519Verifier
from usercore.adapters.local.checkpoints import CheckpointFile, read_notes
from usercore.audit.errors import AuditKeyUnusableError, CheckpointForkedError, CheckpointUnreadableError
from usercore.audit.make_checkpoint import MakeCheckpoint
from usercore.kernel.errors import UnavailableError
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core

SIGNER = Ed25519Signer.generate("tests")


def a_core(path: Path, **ports: Any) -> Core:
    """Give a core in memory that signs and publishes."""
    verifier = Ed25519Verifier([SIGNER.key])
    return memory_core(
        clock=SetClock(), signer=SIGNER, verifier=verifier, checkpoint_publisher=CheckpointFile(path), **ports
    )


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_each_checkpoint_is_a_line_behind_the_others(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    core = a_core(path)
    someone = ProfilePatch(email="a@example.com", first_name="Ada", last_name="Lovelace")
    await core.create_user(CreateUserCommand(someone), a_context())
    made = [await core.make_checkpoint(), await core.make_checkpoint()]

    assert [line["number"] for line in lines_of(path)] == [1, 2]
    assert list(read_notes(path)) == [str(one.note) for one in made if one is not None]


async def test_a_file_that_missed_some_catches_up(tmp_path: Path) -> None:
    path, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    core = a_core(path)
    for _ in range(3):
        await core.make_checkpoint()

    assert await CheckpointFile(other).publish(core.ports.checkpoints) == 3
    assert await CheckpointFile(other).publish(core.ports.checkpoints) == 0
    assert other.read_bytes() == path.read_bytes()


async def test_half_a_line_of_a_writer_that_was_killed_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    core = a_core(path)
    await core.make_checkpoint()
    await core.make_checkpoint()
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])

    await core.make_checkpoint()

    assert path.read_bytes().startswith(whole)
    assert [line["number"] for line in lines_of(path)] == [1, 2, 3]


async def test_two_writers_at_once_write_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    core = a_core(path)
    await core.make_checkpoint()
    path.unlink()

    await asyncio.gather(*(CheckpointFile(path).publish(core.ports.checkpoints) for _ in range(5)))

    assert len(lines_of(path)) == 1


async def test_a_database_that_was_taken_back_does_not_go_on_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    ahead, behind = a_core(path), a_core(path)
    await ahead.make_checkpoint()
    await ahead.make_checkpoint()
    published = path.read_bytes()

    with pytest.raises(CheckpointForkedError):
        await behind.make_checkpoint()

    assert path.read_bytes() == published


async def test_a_file_that_cannot_be_used_is_told_of(tmp_path: Path) -> None:
    core = a_core(tmp_path / "no-such-folder" / "checkpoints.jsonl")
    with pytest.raises(UnavailableError):
        await core.make_checkpoint()
    with pytest.raises(CheckpointUnreadableError):
        list(read_notes(tmp_path / "none"))
    spoilt = tmp_path / "spoilt"
    spoilt.write_text("not a checkpoint\n", encoding="utf-8")
    with pytest.raises(CheckpointUnreadableError):
        await CheckpointFile(spoilt).publish(core.ports.checkpoints)
    assert list(read_notes(spoilt)) == ["not a checkpoint\n"]


async def test_without_a_key_nothing_is_signed_and_nothing_is_kept(tmp_path: Path) -> None:
    core = memory_core()
    with pytest.raises(AuditKeyUnusableError, match="USER_SERVICE_AUDIT_KEY_FILE"):
        await core.make_checkpoint()
    assert await core.ports.checkpoints.after(0, limit=10) == []


def test_a_key_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"):
        file.write_bytes(content)
        with pytest.raises(AuditKeyUnusableError):
            Ed25519Signer.read("tests", file)
        with pytest.raises(AuditKeyUnusableError):
            Ed25519Signer.read("tests", tmp_path / "none")
    file.write_bytes(SIGNER.pem())
    assert Ed25519Signer.read("tests", file).key == SIGNER.key


async def test_another_key_goes_on_where_both_are_known(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    core = a_core(path)
    await core.make_checkpoint()
    newer = Ed25519Signer.generate("tests")
    make: MakeCheckpoint = evolve(core.make_checkpoint, signer=newer, verifier=Ed25519Verifier([newer.key, SIGNER.key]))
    made = await make()

    assert made is not None
    assert made.checkpoint.number == 2
