"""Why a mail cannot be sent, ever. The cause is what an operator sees of it in a list of deliveries."""

from typing import ClassVar

from attrs import define, field

from usercore.delivery.errors import RecipientRefusedError


@define(auto_exc=True, eq=False)
class ChannelUnsupportedError(RecipientRefusedError):
    """It is meant for a telephone, which mail does not reach."""

    code: ClassVar[str] = "notification_channel_unsupported"
    summary: ClassVar[str] = "Mail reaches no telephone: connect a NotificationService over HTTP that does"

    cause: str = field(default="notification_channel_unsupported", kw_only=True)


@define(auto_exc=True, eq=False)
class LetterInvalidError(RecipientRefusedError):
    """What it should say is missing or cannot be used; `detail` names the member."""

    code: ClassVar[str] = "notification_invalid"
    summary: ClassVar[str] = "The notification lacks what a mail needs"

    cause: str = field(default="notification_invalid", kw_only=True)


@define(auto_exc=True, eq=False)
class LetterExpiredError(RecipientRefusedError):
    """What it would say has run out meanwhile."""

    code: ClassVar[str] = "notification_expired"
    summary: ClassVar[str] = "What the mail would say has run out before it could be sent"

    cause: str = field(default="notification_expired", kw_only=True)


@define(auto_exc=True, eq=False)
class TemplateFailedError(RecipientRefusedError):
    """A template cannot be filled in; `detail` names the file and the line.

    `reason` is what the template engine says. It may repeat what was filled in: show it of samples alone.
    """

    code: ClassVar[str] = "notification_template_failed"
    summary: ClassVar[str] = "The template of the mail cannot be filled in"

    cause: str = field(default="notification_template_failed", kw_only=True)
    where: str = field(default="", kw_only=True)
    reason: str = field(default="", kw_only=True, repr=False)
