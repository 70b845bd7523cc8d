"""Examples of what is sent and of what comes back."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.ports import FactEntry
from usercore.activity.read_activity import Activity
from usercore.activity.summary import DEFAULT_TIERS, summarise, tally_of
from usercore.activity.values import Money
from usercore.audit.chain import chained
from usercore.audit.entry import AuditEntry
from usercore.codec.activity import activity_object
from usercore.codec.audit import audit_object
from usercore.codec.consents import consents_object, recorded_object
from usercore.codec.history import history_object
from usercore.codec.mailing import permission_object, suppressions_object
from usercore.codec.preferences import preferences_object
from usercore.codec.profile import profile_object
from usercore.codec.verifications import render_confirmed, verification_started
from usercore.kernel.changes import FieldChange
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page
from usercore.preferences.get_email_preferences import EmailPreferences
from usercore.preferences.values import EmailPreference, EmailTopic, effective
from usercore.privacy.consents.read_consents import Consents
from usercore.privacy.consents.record_consent import RecordedConsent
from usercore.privacy.consents.values import SALE, Consent, LedgerEntry, Standing
from usercore.privacy.mailing.values import MailPermission, Suppression, SuppressionReason
from usercore.users.model import AccountStatus, Profile, User
from usercore.users.ports import HistoryEntry
from usercore.users.values import AccountState, Address, EmailAddress, VerificationChannel
from usercore.verification.values import DEFAULT_VERIFICATION, Verification, VerificationState

_AT: Final = datetime.fromisoformat("2026-03-01T12:00:00.123456+00:00")
_ACTOR: Final = Actor(ActorKind.SERVICE, "shop")
_ID: Final = UserId("01932f6e-8d3c-7c4a-9d0e-2b5f1c7a6e3d")

_USER: Final = User(
    id=_ID,
    version=1,
    profile=Profile(
        username="grace@example.com",
        email=EmailAddress("grace@example.com", "grace@example.com"),
        first_name="Grace",
        last_name="Hopper",
        phone_number="+4930123456",
        address=Address("Unter den Linden 1", "Berlin", None, "10117", "Germany"),
        locale="en-GB",
        time_zone="Europe/Berlin",
        birth_date=date(1906, 12, 9),
        external_id="crm-4711",
    ),
    status=AccountStatus(AccountState.ACTIVE, since=_AT, actor=_ACTOR),
    created_at=_AT,
    updated_at=_AT,
)
_TOPIC: Final = EmailTopic("news", "News", "What is new, once a month.", False, False, "2026-01", _AT)  # noqa: FBT003 -- as declared
_SAID: Final = EmailPreference("news", subscribed=True, source="preference-center", at=_AT, wording_version="2026-01")
_NO: Final = Consent(SALE.name, given=False, wording_version="1", source="preference-center", at=_AT)
_OPT_OUT: Final = LedgerEntry(_ID, 2, _NO, _ACTOR, "form-4711")
_STEP: Final = HistoryEntry(
    user_id=_ID,
    version=2,
    event_id=EventId("01932f6f-1a2b-7c3d-8e4f-5a6b7c8d9e0f"),
    message="UserUpdated",
    at=_AT,
    actor=_ACTOR,
    correlation_id="5d1f0c7e9b2a4c3d8e6f7a8b9c0d1e2f",
    causation_id="5d1f0c7e9b2a4c3d8e6f7a8b9c0d1e2f",
    changes=(FieldChange("first_name", "Grace", "Amazing Grace"),),
)


_FACTS: Final[tuple[Fact, ...]] = (
    PointsEarned("t-3301", _ID, 60, "o-1001", "ORDER", _AT + timedelta(hours=2)),
    PaymentSucceeded("p-2002", "o-1001", Money(Decimal("59.9"), "EUR"), _AT + timedelta(hours=1)),
    PaymentFailed("p-2001", "o-1001", "card_declined", Money(Decimal("59.9"), "EUR"), _AT),
    OrderPlaced("o-1001", _ID, Money(Decimal("59.9"), "EUR"), 3, _AT),
)


_VERIFICATION: Final = Verification(
    id=EventId("01932f6f-1a2b-7c3d-8e4f-5a6b7c8d9e10"),
    user_id=_ID,
    channel=VerificationChannel.EMAIL,
    state=VerificationState.PENDING,
    started_at=_AT,
    code_expires_at=_AT + DEFAULT_VERIFICATION.code_lasts,
    link_expires_at=_AT + DEFAULT_VERIFICATION.link_lasts,
    settled_at=_AT,
)


def verification() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a verification as it began."""
    return verification_started(_VERIFICATION)


def confirmed_contact() -> Any:  # noqa: ANN401 -- any JSON value
    """Return what a link has proved."""
    return msgspec.json.decode(render_confirmed(_VERIFICATION))


def user() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a profile."""
    return msgspec.to_builtins(profile_object(_USER))


def user_page() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of users."""
    return {"items": [user()], "nextCursor": None}


def preferences() -> Any:  # noqa: ANN401 -- any JSON value
    """Return email preferences."""
    return preferences_object(EmailPreferences(_ID, 2, (effective(_TOPIC, _SAID),)))


def consents() -> Any:  # noqa: ANN401 -- any JSON value
    """Return what holds, and a page of the ledger."""
    return consents_object(Consents(_ID, 2, (Standing(SALE, _OPT_OUT),), Page((_OPT_OUT,))))


def consent() -> Any:  # noqa: ANN401 -- any JSON value
    """Return what holds of one purpose."""
    return recorded_object(RecordedConsent(2, _OPT_OUT))


def mail_permission() -> Any:  # noqa: ANN401 -- any JSON value
    """Return that a user may be written to."""
    return permission_object(MailPermission(_ID, "news", None, "https://localhost/v1/unsubscribe/AQGTL26NPHx"))


def suppressions() -> Any:  # noqa: ANN401 -- any JSON value
    """Return why an address must not be written to."""
    return suppressions_object([Suppression(SuppressionReason.BOUNCE, _AT, "mail-gateway")])


def history() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of history."""
    return {"items": [history_object(_STEP)], "nextCursor": "2"}


def activity() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of activity."""
    items = tuple(
        FactEntry(
            user_id=_ID,
            event_id=EventId(f"01932f6f-1a2b-7c3d-8e4f-5a6b7c8d9e{number:02d}"),
            recorded_at=_AT,
            actor=_ACTOR,
            correlation_id="sale-17",
            causation_id="order-placed-0-7",
            fact=fact,
        )
        for number, fact in enumerate(_FACTS)
    )
    return activity_object(Activity(Page(items), summarise(tally_of(_FACTS), DEFAULT_TIERS)))


def audit() -> Any:  # noqa: ANN401 -- any JSON value
    """Return a page of the audit trail."""
    entry = AuditEntry(
        user_id=_ID,
        event_id=EventId("01932f6f-1a2b-7c3d-8e4f-5a6b7c8d9e0f"),
        at=_AT,
        actor=_ACTOR,
        action="UserRead",
        fields=("profile",),
        correlation_id="sale-17",
        causation_id="sale-17",
    )
    return {"items": [audit_object(chained(None, entry))], "nextCursor": None}


CREATE: Final = {
    "email": "grace@example.com",
    "firstName": "Grace",
    "lastName": "Hopper",
    "phoneNumber": "+4930123456",
    "address": {"street": "Unter den Linden 1", "city": "Berlin", "postalCode": "10117", "country": "Germany"},
    "locale": "en-GB",
    "timeZone": "Europe/Berlin",
    "birthDate": "1906-12-09",
}
PATCH: Final = {"firstName": "Amazing Grace", "phoneNumber": None, "address": {"city": "Potsdam"}}
UPDATE: Final = {"userId": _ID, "firstName": "Amazing Grace"}
DEACTIVATION: Final = {"reason": "INACTIVITY", "notes": "no sign-in for two years"}
DEACTIVATE: Final = {"userId": _ID, "reason": "closing the account"}
REACTIVATION: Final = {"reason": "came back"}
CONSENT: Final = {"purpose": "sale", "given": False, "source": "preference-center", "proof": "form-4711"}
ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}
ADDRESS: Final = {"email": "grace@example.com"}
NEW_VERIFICATION: Final = {"channel": "email"}
CONFIRMATION: Final = {"code": "271828"}
LINK_CONFIRMATION: Final = {"token": "kJ3vQmT0pZx8sYwUo4bLhR6fNcVeGd1aW7iX2tSrEyM"}
PREFERENCES_PATCH: Final = {"topics": {"news": {"subscribed": True, "source": "preference-center"}}}
