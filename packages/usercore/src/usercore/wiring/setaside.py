"""Setting messages aside and sending them again: what needs the database and a broker."""

from usercore.adapters.kafka.dead_letters import KafkaDeadLetterSink
from usercore.codec.messages import redacted
from usercore.messaging.bury import BuryMessage
from usercore.messaging.dead_letters import ReplayDeadLetter
from usercore.messaging.ports import MessageSender
from usercore.wiring.core import Ports


def bury_message(ports: Ports, sender: MessageSender) -> BuryMessage:
    """Return what keeps a message that nobody can use, and publishes it to the dead-letter topic."""
    return BuryMessage(ports.dead_letters, KafkaDeadLetterSink(sender), ports.clock, ports.ids, redacted)


def replay_dead_letter(ports: Ports, sender: MessageSender) -> ReplayDeadLetter:
    """Return what sends a dead letter's message to its topic again."""
    return ReplayDeadLetter(ports.dead_letters, sender, ports.clock)
