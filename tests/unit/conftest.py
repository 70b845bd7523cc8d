"""A core in memory whose clock stands still until told otherwise."""

import pytest

from tests.builders import MadeUpProofs, SetClock
from usercore.adapters.attributes import JsonSchemaValidator
from usercore.adapters.contacts import ValidatedEmailRules
from usercore.kernel.secret import Secret
from usercore.wiring.core import Core
from usercore.wiring.memory import memory_core


class MadeUpHasher:
    """Gives a PHC string that tells the test what was hashed; no test needs the real work twice."""

    async def hash(self, password: Secret) -> Secret:
        return Secret(f"$argon2id$v=19$made-up${len(password)}")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def core(clock: SetClock) -> Core:
    return memory_core(
        clock=clock,
        emails=ValidatedEmailRules(),
        hasher=MadeUpHasher(),
        validator=JsonSchemaValidator(),
        proofs=MadeUpProofs(),
    )
