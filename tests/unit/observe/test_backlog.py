"""What waits is counted, wherever a copy of the service runs."""

from tests.builders import NOW, a_context
from tests.letters import letters, parked
from usercore.messaging.values import DeadLetterState, Settlement
from usercore.observe.metrics import Metrics
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.wiring.core import Core
from usercore.wiring.maintenance import Maintenance


async def test_maintenance_counts_what_waits_to_go_out_and_what_was_set_aside(core: Core) -> None:
    metrics = Metrics()
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    await core.create_user(CreateUserCommand(profile), a_context())
    many = letters(3)
    await core.ports.dead_letters.add(many)
    await core.ports.dead_letters.settle(many[0].id, DeadLetterState.DISCARDED, Settlement(NOW, "OPERATOR:ada", "x"))
    await core.ports.parked.park([parked() for _ in range(4)])

    await Maintenance(core, metrics).once()

    lines = metrics.scrape().decode().splitlines()
    assert "user_service_outbox_pending 1.0" in lines
    assert "user_service_dead_letters_waiting 2.0" in lines
    assert "user_service_parked_messages 4.0" in lines
