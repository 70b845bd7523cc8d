"""Register and list the topics."""

from collections.abc import Callable, Sequence

from attrs import frozen

from usercore.kernel.errors import Violation
from usercore.kernel.ports import Clock
from usercore.preferences.errors import TopicInvalidError
from usercore.preferences.ports import TopicRegistry
from usercore.preferences.values import WORDING_MAX_CHARS, EmailTopic, parse_topic_name
from usercore.users.values import ValueRejectedError, parse_text

TITLE_MAX_CHARS = 100
DESCRIPTION_MAX_CHARS = 500


@frozen
class RegisterTopicCommand:
    """Add an email topic, or change the one of this name."""

    name: str
    title: str
    wording_version: str
    description: str = ""
    mandatory: bool = False
    subscribed_by_default: bool = False


@frozen
class RegisterTopic:
    """Registers email topics."""

    topics: TopicRegistry
    clock: Clock

    async def __call__(self, command: RegisterTopicCommand) -> EmailTopic:
        """Return the topic as it now stands.

        Raises:
            TopicInvalidError: a field breaks its rule.
        """
        topic = EmailTopic(
            name=_read("name", parse_topic_name, command.name),
            title=_read("title", _line(TITLE_MAX_CHARS), command.title),
            description=_read("description", _line(DESCRIPTION_MAX_CHARS, 0), command.description),
            mandatory=command.mandatory,
            subscribed_by_default=command.subscribed_by_default,
            wording_version=_read("wording_version", _line(WORDING_MAX_CHARS), command.wording_version),
            registered_at=self.clock.now(),
        )
        await self.topics.put(topic)
        return topic


def _line(max_chars: int, min_chars: int = 1) -> Callable[[str], str]:
    return lambda raw: parse_text(raw, max_chars=max_chars, min_chars=min_chars)


def _read(name: str, parse: Callable[[str], str], raw: str) -> str:
    try:
        return parse(raw)
    except ValueRejectedError as error:
        violation = Violation((name,), error.code, error.detail)
        raise TopicInvalidError(violations=(violation,)) from None


@frozen
class ListTopics:
    """Lists email topics by name."""

    topics: TopicRegistry

    async def __call__(self) -> Sequence[EmailTopic]:
        """Return every topic."""
        return await self.topics.all()
