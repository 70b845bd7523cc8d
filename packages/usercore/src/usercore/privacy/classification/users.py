"""Users, what is remembered of them, and the schemas of their attributes."""

from typing import Final

from usercore.privacy.classification.declaring import (
    NOBODY,
    NULL,
    SHRED,
    ClassifiedTable,
    Subject,
    contact,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import (
    ERASED_ADDRESS,
    Blank,
    Category,
    DataSubject,
    Keep,
    Purpose,
    Recipient,
    RetentionClass,
)

_STANDING = Keep("that a user existed and was erased must be known, so that nothing brings them back")
_DERIVED = "derived from what the archive shows"
_SIGN_IN = (Purpose.ACCOUNT, Purpose.SIGN_IN)
_LETTERS = (Purpose.ACCOUNT, Purpose.SERVICE_MAIL, Purpose.TOPIC_MAIL)
_EVERYBODY = (Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.CONSUMERS)
_NAMED = (Recipient.NOTIFICATION, Recipient.CONSUMERS)

USERS: Final = table(
    "users",
    about="The profile and the standing of each user",
    subject=Subject("id"),
    section="profile",
    category=Category.IDENTITY,
    purposes=(Purpose.ACCOUNT,),
    retention=RetentionClass.ACCOUNT,
    erasure=_STANDING,
    recipients=(Recipient.CONSUMERS,),
    columns=(
        pseudonymous("id", portable=True, recipients=(*_EVERYBODY, Recipient.AUDIT)),
        plain("version", category=Category.ACCOUNT),
        personal(
            "username",
            facet="username",
            portable=True,
            purposes=_SIGN_IN,
            recipients=(Recipient.AUTHENTICATION, Recipient.CONSUMERS),
            erasure=Blank(ERASED_ADDRESS),
        ),
        personal("username_canonical", withheld=_DERIVED, purposes=_SIGN_IN, erasure=Blank(ERASED_ADDRESS)),
        contact(
            "email",
            facet="email",
            portable=True,
            category=Category.CONTACT,
            purposes=(*_LETTERS, Purpose.SIGN_IN),
            recipients=_EVERYBODY,
            erasure=Blank(ERASED_ADDRESS),
        ),
        contact(
            "email_canonical",
            facet="email",
            withheld=_DERIVED,
            category=Category.CONTACT,
            purposes=_SIGN_IN,
            erasure=Blank(ERASED_ADDRESS),
        ),
        personal(
            "first_name", facet="first_name", portable=True, purposes=_LETTERS, recipients=_NAMED, erasure=Blank("")
        ),
        personal("last_name", facet="last_name", portable=True, erasure=Blank("")),
        contact(
            "phone_number",
            facet="phone_number",
            portable=True,
            category=Category.CONTACT,
            purposes=(Purpose.ACCOUNT, Purpose.SERVICE_MAIL),
            recipients=_NAMED,
            erasure=NULL,
        ),
        *(
            contact(
                f"address_{part}",
                facet="address",
                as_=f"address.{wire}",
                portable=True,
                category=Category.CONTACT,
                erasure=NULL,
            )
            for part, wire in (
                ("street", "street"),
                ("city", "city"),
                ("state", "state"),
                ("postal_code", "postalCode"),
                ("country", "country"),
            )
        ),
        personal("locale", facet="locale", portable=True, purposes=_LETTERS, recipients=_NAMED, erasure=NULL),
        personal("time_zone", facet="time_zone", portable=True, erasure=NULL),
        personal("birth_date", facet="birth_date", portable=True, erasure=NULL),
        personal("attributes", facet="attributes", portable=True, erasure=Blank({})),
        personal("external_id", facet="external_id", portable=True, erasure=NULL),
        plain("state", facet="status", as_="status.state", category=Category.ACCOUNT),
        plain("status_since", facet="status", as_="status.since", category=Category.ACCOUNT),
        plain("status_actor_kind", facet="status", as_="status.actorKind", category=Category.ACCOUNT),
        pseudonymous("status_actor_id", facet="status", as_="status.actorId", category=Category.ACCOUNT),
        plain("status_reason", facet="status", as_="status.reason", category=Category.ACCOUNT, erasure=NULL),
        personal("status_notes", facet="status", as_="status.notes", category=Category.ACCOUNT, erasure=NULL),
        plain("status_until", facet="status", as_="status.until", category=Category.ACCOUNT, erasure=NULL),
        *(
            plain(
                f"{channel}_verified_at",
                facet="verification",
                as_=f"verification.{channel}VerifiedAt",
                category=Category.ACCOUNT,
                purposes=_SIGN_IN,
                erasure=NULL,
            )
            for channel in ("email", "phone", "identity")
        ),
        plain("restricted", facet="restricted", category=Category.ACCOUNT, purposes=(Purpose.RIGHTS,)),
        pseudonymous("merged_into", facet="status", as_="status.mergedInto", category=Category.ACCOUNT, erasure=NULL),
        plain("created_at", portable=True, category=Category.ACCOUNT),
        plain("updated_at", category=Category.ACCOUNT),
        personal("search_words", withheld=_DERIVED, erasure=Blank("")),
    ),
)

_CIRCUMSTANCE = Keep("names who did what and when by ids alone, for accountability (GDPR Art. 5(2))")

HISTORY: Final = table(
    "user_history",
    about="What changed in each version of a user, before and after",
    subject=Subject("user_id"),
    section="history",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNT, Purpose.ACCOUNTABILITY),
    retention=RetentionClass.HISTORY,
    erasure=_CIRCUMSTANCE,
    columns=(
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("version"),
        plain("event_id"),
        plain("message", as_="event"),
        plain("occurred_at", as_="at"),
        plain("actor_kind"),
        pseudonymous("actor_id"),
        pseudonymous("correlation_id"),
        pseudonymous("causation_id"),
        # Rows from before history was sealed.
        personal("changes", erasure=Blank([])),
        personal("sealed", erasure=SHRED, withheld="the same as changes, and shown there"),
    ),
)

ATTRIBUTE_SCHEMAS: Final = table(
    "attribute_schemas",
    about="The JSON Schemas that custom attributes keep to",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.ADMINISTRATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(DataSubject.OPERATORS,),
    columns=(
        plain("version"),
        plain("document"),
        plain("registered_at"),
        pseudonymous("registered_by", erasure=Keep("names an operator, whose data is not the user's")),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (USERS, HISTORY, ATTRIBUTE_SCHEMAS)
