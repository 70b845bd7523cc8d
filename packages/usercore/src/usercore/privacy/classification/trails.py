"""What each change leaves behind: events to publish, audit entries, deliveries."""

from typing import Final

from usercore.privacy.classification.declaring import (
    NOBODY,
    NULL,
    SHRED,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    special,
    table,
)
from usercore.privacy.classification.values import (
    Blank,
    Category,
    DataSubject,
    Keep,
    Purpose,
    Recipient,
    RetentionClass,
)

_IN_ORDER = Keep("says by ids alone which event stands where, so that none is lost or told twice")
_PROOF = Keep("legal obligation: proves who did what to whose data, by ids alone (GDPR Art. 5(2), 17(3)(b))")
_TOLD = Keep("legal obligation: proves to whom data went and that they were told of its erasure (GDPR Art. 19)")

OUTBOX: Final = table(
    "outbox",
    about="Events to publish, and those published lately",
    subject=Subject("aggregateid"),
    settled="published_at",
    withheld="a copy of what history shows, on its way to other services",
    category=Category.MESSAGES,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.OUTBOX,
    erasure=_IN_ORDER,
    recipients=(Recipient.CONSUMERS,),
    columns=(
        plain("id"),
        plain("aggregatetype"),
        pseudonymous("aggregateid"),
        plain("type"),
        # Once an event is published; what is still to be published, erasure waits for.
        personal("payload", erasure=Blank({})),
        plain("event_id"),
        plain("sequence"),
        plain("occurred_at"),
        pseudonymous("headers"),
        plain("shard"),
        plain("topic"),
        plain("published_at"),
        # The payload of a published event.
        personal("sealed", erasure=SHRED),
    ),
)

SHARDS: Final = table(
    "outbox_shards",
    about="Who publishes which part of the outbox",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("shard"),),
)

AUDIT: Final = table(
    "audit_entries",
    about="Who read or changed which fields of whom; it names fields and holds no values",
    subject=Subject("user_id"),
    section="audit",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNTABILITY,),
    retention=RetentionClass.AUDIT,
    erasure=_PROOF,
    recipients=(Recipient.AUDIT,),
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("sequence"),
        plain("event_id"),
        plain("occurred_at", as_="at"),
        plain("actor_kind"),
        pseudonymous("actor_id"),
        plain("action"),
        plain("fields"),
        pseudonymous("correlation_id"),
        pseudonymous("causation_id"),
        plain("version"),
        plain("contents_hash", withheld="proves that nothing was changed"),
        plain("hash", withheld="proves that nothing was changed"),
    ),
)

HEADS: Final = table(
    "audit_heads",
    about="Where each person's part of the audit trail ends",
    withheld="proves that nothing was changed",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNTABILITY,),
    retention=RetentionClass.AUDIT,
    erasure=_PROOF,
    columns=(pseudonymous("user_id"), plain("sequence"), plain("hash")),
)

DELIVERIES: Final = table(
    "deliveries",
    about="What the services around us were told of whom, and when they acknowledged it",
    subject=Subject("user_id"),
    settled="delivered_at",
    section="deliveries",
    category=Category.MESSAGES,
    purposes=(Purpose.ACCOUNT, Purpose.SERVICE_MAIL, Purpose.ACCOUNTABILITY),
    retention=RetentionClass.DELIVERIES,
    erasure=_TOLD,
    recipients=(Recipient.AUTHENTICATION, Recipient.NOTIFICATION, Recipient.AUDIT),
    columns=(
        plain("event_id"),
        plain("recipient"),
        plain("seq", withheld="the queue's bookkeeping"),
        plain("operation"),
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        personal("payload", erasure=Blank({})),
        special("secret", erasure=NULL, withheld="a secret, kept only until it is acknowledged"),
        plain("created_at"),
        plain("due_at", withheld="the queue's bookkeeping"),
        plain("attempts"),
        plain("delivered_at"),
        plain("traceparent", withheld="the number of a trace, random"),
        plain("error_code"),
        plain("failed_at"),
        plain("discarded_at"),
        pseudonymous("settled_by"),
        plain("settled_reason"),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (OUTBOX, SHARDS, AUDIT, HEADS, DELIVERIES)
