"""Mail on email topics is sent to those who want it, with a link that ends it; other mail is sent as it is."""

from typing import Any

import pytest
from attrs import define, evolve

from tests.builders import IDS, NOW, a_context
from usercore.delivery.topic_mail import TopicMail
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.errors import UnavailableError
from usercore.preferences.topics import RegisterTopicCommand
from usercore.preferences.update_email_preferences import UpdateEmailPreferencesCommand
from usercore.preferences.values import PreferenceChoice
from usercore.users.create_user import CreateUserCommand
from usercore.users.intake import ProfilePatch
from usercore.users.model import User
from usercore.wiring.core import Core, assemble
from usercore.wiring.memory import memory_ports


@define
class Postbox:
    """Takes what is to be sent."""

    sent: list[Delivery]
    away: bool = False

    async def notify(self, delivery: Delivery) -> None:
        if self.away:
            raise UnavailableError
        self.sent.append(delivery)


@pytest.fixture
async def core() -> Core:
    one = assemble(memory_ports(), public_url="https://users.example.com")
    await one.register_topic(RegisterTopicCommand("news", "News", "1", subscribed_by_default=True))
    await one.register_topic(RegisterTopicCommand("orders", "Orders", "1", mandatory=True))
    return one


@pytest.fixture
async def user(core: Core) -> User:
    profile = ProfilePatch(email="grace@example.com", first_name="Grace", last_name="Hopper")
    return await core.create_user(CreateUserCommand(profile), a_context())


def mail(user: User, **payload: Any) -> Delivery:
    content = {"email": user.profile.email.address, **payload}
    return Delivery(IDS.event_id(), Recipient.NOTIFICATION, Operation.SEND_WELCOME, user.id, content, None, NOW)


async def leave(core: Core, user: User) -> None:
    choices = {"news": PreferenceChoice(subscribed=False)}
    await core.update_email_preferences(UpdateEmailPreferencesCommand(user.id, choices), a_context())


async def test_mail_without_a_topic_is_sent_as_it_is_whatever_the_user_wants(core: Core, user: User) -> None:
    box = Postbox([])
    delivery = mail(user)
    await leave(core, user)
    await TopicMail(box, core.read_mail_permission).notify(delivery)
    assert box.sent == [delivery]


async def test_mail_on_a_topic_carries_a_link_that_ends_it(core: Core, user: User) -> None:
    box = Postbox([])
    await TopicMail(box, core.read_mail_permission).notify(mail(user, topic="news"))

    [sent] = box.sent
    header = sent.payload["listUnsubscribe"]
    assert isinstance(header, str)
    prefix = "<https://users.example.com/v1/unsubscribe/"
    assert (header.startswith(prefix), header.endswith(">")) == (True, True)

    await core.unsubscribe(header.removeprefix(prefix).removesuffix(">"), a_context())
    await TopicMail(box, core.read_mail_permission).notify(mail(user, topic="news"))
    assert box.sent == [sent]


async def test_mail_on_a_topic_of_the_contract_has_no_link(core: Core, user: User) -> None:
    box = Postbox([])
    delivery = mail(user, topic="orders")
    await TopicMail(box, core.read_mail_permission).notify(delivery)
    assert box.sent == [delivery]


async def test_what_a_user_left_since_it_was_written_down_is_not_sent(core: Core, user: User) -> None:
    box = Postbox([])
    delivery = mail(user, topic="news")
    await leave(core, user)
    await TopicMail(box, core.read_mail_permission).notify(delivery)
    assert box.sent == []


async def test_nobody_is_written_to_who_is_not_there_or_on_a_topic_that_is_no_more(core: Core, user: User) -> None:
    box = Postbox([])
    letters = TopicMail(box, core.read_mail_permission)
    await letters.notify(evolve(mail(user, topic="news"), user_id=IDS.user_id()))
    await letters.notify(mail(user, topic="gone"))
    assert box.sent == []


async def test_mail_that_could_not_be_sent_is_to_be_tried_again(core: Core, user: User) -> None:
    letters = TopicMail(Postbox([], away=True), core.read_mail_permission)
    with pytest.raises(UnavailableError):
        await letters.notify(mail(user, topic="news"))
