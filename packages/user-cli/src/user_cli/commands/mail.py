"""`userctl mail`: what letters look like, and whether they can be sent."""

import os
from typing import Annotated

from cyclopts import Parameter

from user_cli.commands.options import AsJson, command_group
from user_cli.failures import UsageError
from user_cli.output import say, show_json
from usercore.delivery.values import Operation
from usercore.settings import SmtpSettings, load
from usercore.wiring.mail import LETTERS, preview, send_test

__all__ = ["app"]

app = command_group("mail", "Mail that the service sends by SMTP: look at it, and try whether it can be sent.")

_NAMES = {one.value.removeprefix("SEND_").lower(): one for one in LETTERS}


@app.command(name="preview")
def show(letter: str, *, locale: str | None = None, html: bool = False, as_json: AsJson = False) -> None:
    """Show a letter to a person made up, with the templates, names and links of the settings.

    It needs no server, and tries out every template of an operator's own.

    ```
    userctl mail preview welcome --locale de
    userctl mail preview verification --html > verification.html
    ```

    Args:
        letter: welcome, invitation, verification, payment_failed, email_changed, privacy_answer or inactivity_notice.
        locale: the language, as in de or fr-CA; without it USER_SERVICE_SMTP_LOCALE.
        html: the HTML in place of the text.
        as_json: write {"subject": ..., "language": ..., "text": ..., "html": ...}.
    """
    found = preview(load(SmtpSettings, os.environ), _operation(letter), locale)
    if as_json:
        show_json({"subject": found.subject, "language": found.language, "text": found.text, "html": found.html})
    elif html:
        _write(found.html or "")
    else:
        say(f"Subject: {found.subject}")
        say("")
        _write(found.text)


def _operation(letter: str) -> Operation:
    name = letter.lower().replace("-", "_").removeprefix("send_")
    if name not in _NAMES:
        raise UsageError(f"the letter: write one of {', '.join(sorted(_NAMES))}")
    return _NAMES[name]


def _write(text: str) -> None:
    for line in text.splitlines():
        say(line)


@app.command(name="test")
async def try_out(
    address: Annotated[str, Parameter(help="To whom.")], *, locale: str | None = None, as_json: AsJson = False
) -> None:
    """Send a mail that says it is a test, with the server and the sender of the settings.

    Where it cannot be sent, the error says what the server answered.

    ```
    USER_SERVICE_SMTP_HOST=mail.example.com USER_SERVICE_SMTP_FROM=users@example.com userctl mail test ada@example.com
    ```

    Args:
        address: to whom.
        locale: the language, as in de or fr-CA; without it USER_SERVICE_SMTP_LOCALE.
        as_json: write {"messageId": ...}.
    """
    message_id = await send_test(load(SmtpSettings, os.environ), address, locale)
    if as_json:
        show_json({"messageId": message_id})
    else:
        say(f"The server has accepted it: {message_id}")
