"""From a delivery to the letter it asks for: to whom, in which language, with which words.

Nothing here repeats a value in an error: what is wrong is named by its member.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from attrs import evolve, field, frozen

from usercore.adapters.smtp.errors import ChannelUnsupportedError, LetterExpiredError, LetterInvalidError
from usercore.adapters.smtp.payloads import Payload
from usercore.adapters.smtp.rendering import Words
from usercore.adapters.smtp.texts import is_web_address, name_shown, one_line
from usercore.delivery.values import Delivery, Operation
from usercore.settings import SmtpSettings

LETTERS: Final[Mapping[Operation, str]] = {
    Operation.SEND_WELCOME: "welcome",
    Operation.SEND_INVITATION: "invitation",
    Operation.SEND_PAYMENT_FAILED: "payment_failed",
    Operation.SEND_VERIFICATION: "verification",
    Operation.SEND_EMAIL_CHANGED: "email_changed",
    Operation.SEND_PRIVACY_ANSWER: "privacy_answer",
    Operation.SEND_INACTIVITY_NOTICE: "inactivity_notice",
}
"""The name of the letter that an operation sends."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Source: RFC 2369, 2: addresses in angle brackets, parted by commas.
_BRACKETED = re.compile(r"<([^<>]*)>")
_MAIL_ADDRESS = re.compile(r"mailto:[!-~]+", re.ASCII)


@frozen
class Unsubscribing:
    """How to be written to no more.

    Args:
        addresses: web addresses and ``mailto:`` ones, as RFC 2369 has them.
    """

    addresses: tuple[str, ...] = field(repr=False)

    @property
    def page(self) -> str | None:
        """The first web address."""
        return next((one for one in self.addresses if one.startswith("http")), None)

    @property
    def one_click(self) -> bool:
        """Whether a POST to the page is enough. Source: RFC 8058, 3.1: one HTTPS address."""
        return any(one.startswith("https:") for one in self.addresses)


@frozen
class Content:
    """What a letter is made of.

    Args:
        name: of the template.
        recipient: an address with its domain in A-labels.
        locale: the language wanted.
        words: for the template.
        unsubscribing: how to be written to no more, where that is possible.
    """

    name: str
    recipient: str = field(repr=False)
    locale: str
    words: Words = field(repr=False)
    unsubscribing: Unsubscribing | None = field(repr=False)


def content_of(delivery: Delivery, settings: SmtpSettings, now: datetime) -> Content:
    """Return the letter that a delivery asks for.

    Args:
        delivery: with an operation of :data:`LETTERS`.
        settings: whose links and names a letter shows.
        now: aware, UTC; how long something is valid is told from here.

    Raises:
        ChannelUnsupportedError: it is meant for a telephone.
        LetterExpiredError: what it would say has run out.
        LetterInvalidError: something is missing, or cannot be used; or it is no letter that is asked for.
    """
    if delivery.operation not in LETTERS:
        raise LetterInvalidError(f"no mail does what {delivery.operation} asks for")
    payload = Payload(delivery.payload)
    if (payload.text("channel") or "").lower() == "phone":
        raise ChannelUnsupportedError
    unsubscribing = _unsubscribing(payload)
    common = Words(
        company=settings.company_shown,
        imprint=settings.imprint,
        home_url=settings.home_url,
        first_name=name_shown(payload.text("firstName") or ""),
        unsubscribe_url=None if unsubscribing is None else unsubscribing.page,
    )
    words = evolve(common, **_words(delivery, payload, settings, now))
    locale = payload.text("locale") or settings.locale
    return Content(LETTERS[delivery.operation], payload.recipient(), locale, words, unsubscribing)


def _words(delivery: Delivery, payload: Payload, settings: SmtpSettings, now: datetime) -> Mapping[str, Any]:
    """Return what this kind of letter says beside what all say."""
    names = {"userId": delivery.user_id}
    found: Mapping[str, Any] = {}
    token = {"token": _secrets(delivery).get("verificationToken")}
    match delivery.operation:
        case Operation.SEND_WELCOME:
            found = {"link": payload.link("url") or _filled(settings.verification_url, names | token)}
        case Operation.SEND_INVITATION:
            invitation = _filled(settings.invitation_url, names | token)
            found = {"link": payload.link("url") or invitation or settings.home_url}
        case Operation.SEND_PAYMENT_FAILED:
            found = {"order_id": payload.text("orderId"), "amount": payload.amount("amount")}
        case Operation.SEND_VERIFICATION:
            found = _verification(delivery, payload, settings, now)
        case Operation.SEND_PRIVACY_ANSWER:
            found = _privacy_answer(delivery, payload, settings, now)
        case Operation.SEND_INACTIVITY_NOTICE:
            found = {"link": settings.home_url, "date": payload.moment("deactivatesAt")}
    return found


def _verification(delivery: Delivery, payload: Payload, settings: SmtpSettings, now: datetime) -> Mapping[str, Any]:
    secrets = _secrets(delivery)
    code, code_serves = secrets.get("code"), _minutes_until(payload.moment("expiresAt"), now)
    link_serves = _minutes_until(payload.moment("linkExpiresAt"), now)
    if code_serves == 0:
        code = None
    names = {
        "userId": delivery.user_id,
        "verificationId": payload.text("verificationId"),
        "code": code,
        "token": secrets.get("token") if link_serves != 0 else None,
    }
    link = payload.link("url") or _filled(settings.verification_url, names)
    if code_serves == 0 and (link is None or not link_serves):
        raise LetterExpiredError
    if link is None and code is None:
        raise LetterInvalidError("a verification needs a code, or a link: set USER_SERVICE_SMTP_VERIFICATION_URL")
    return {"link": link, "code": code, "minutes": code_serves or link_serves}


def _secrets(delivery: Delivery) -> Mapping[str, str]:
    """Return what only the recipient may read, by name; nothing where there is none."""
    if delivery.secret is None:
        return {}
    try:
        found = json.loads(delivery.secret.reveal())
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise LetterInvalidError("secret: write an object of texts")
    return {name: one_line(value) for name, value in found.items()}


def _privacy_answer(delivery: Delivery, payload: Payload, settings: SmtpSettings, now: datetime) -> Mapping[str, Any]:
    outcome = (payload.text("outcome") or "").lower()
    minutes = _minutes_until(payload.moment("expiresAt"), now)
    names = {"userId": delivery.user_id, "requestId": payload.text("requestId")}
    link = payload.link("url") if minutes != 0 else None
    due_at = payload.moment("dueAt")
    return {
        "request": (payload.text("kind") or "").lower(),
        "outcome": outcome,
        "reason": payload.text("reason"),
        "law": payload.text("law"),
        "date": due_at if outcome == "extended" else None,
        "link": link or _filled(settings.privacy_url, names),
        "minutes": minutes or None,
    }


def _minutes_until(moment: datetime | None, now: datetime) -> int | None:
    """Return the whole minutes left, at least 1; 0 where it is past."""
    if moment is None:
        return None
    left = (moment - now).total_seconds()
    return 0 if left <= 0 else max(1, int(left // 60))


def _filled(template: str | None, names: Mapping[str, str | None]) -> str | None:
    """Return a link with its placeholders replaced, or None where one of them is not known."""
    if template is None or any(names.get(name) is None for name in _PLACEHOLDER.findall(template)):
        return None
    return _PLACEHOLDER.sub(lambda found: quote(names[found[1]] or "", safe=""), template)


def _unsubscribing(payload: Payload) -> Unsubscribing | None:
    raw = payload.text("listUnsubscribe")
    if raw is None:
        return None
    addresses = tuple(_BRACKETED.findall(raw)) or (raw,)
    if not all(is_web_address(one) or _MAIL_ADDRESS.fullmatch(one) for one in addresses):
        raise LetterInvalidError("listUnsubscribe: write addresses in angle brackets, parted by commas")
    return Unsubscribing(addresses)
