"""Proof that a request or a message has had its effect, and messages that are set aside."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Category, DataSubject, Keep, Purpose, RetentionClass

_HASHES = "hashes and ids of requests, which say nothing of the person and are gone within days"
_NOT_THEIRS = "nobody can tell whose message it is before it can be read; it waits, and then expires"

IDEMPOTENCY_KEYS: Final = table(
    "idempotency_keys",
    about="Which requests have had their effect, by hashes",
    subject=Subject("user_id"),
    withheld=_HASHES,
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.RECEIPTS,
    erasure=DELETE,
    columns=(
        pseudonymous("scope"),
        plain("key_hash"),
        pseudonymous("fingerprint"),
        plain("token"),
        plain("lease_until"),
        plain("expires_at"),
        pseudonymous("user_id"),
        plain("version"),
    ),
)

INBOX: Final = table(
    "inbox",
    about="Which messages have had their effect, by ids and hashes",
    withheld=_HASHES,
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.RECEIPTS,
    erasure=Keep("ids and hashes of messages: no row can be told to be about a person"),
    columns=(
        plain("topic"),
        plain("source"),
        pseudonymous("message_id"),
        pseudonymous("fingerprint"),
        plain("received_at"),
    ),
)

PARKED: Final = table(
    "parked_messages",
    about="Messages about users or orders that are not known yet",
    # Whom the message names: it may wait for an order of theirs. What names nobody expires within days.
    subject=Subject("user_id"),
    withheld=_NOT_THEIRS,
    category=Category.MESSAGES,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.SET_ASIDE,
    erasure=DELETE,
    columns=(
        plain("id"),
        plain("topic"),
        plain("message_partition"),
        plain("message_offset"),
        plain("message_timestamp"),
        pseudonymous("key"),
        personal("value"),
        pseudonymous("headers"),
        personal("sealed"),
        plain("value_bytes"),
        pseudonymous("user_id"),
        plain("waits_for"),
        pseudonymous("waits_for_id"),
        plain("parked_at"),
        plain("expires_at"),
        plain("due_at"),
    ),
)

DEAD_LETTERS: Final = table(
    "dead_letters",
    about="Messages that nobody could use, as they came but for passwords",
    # Whom the message names; what names nobody waits for an operator, or expires.
    subject=Subject("user_id"),
    withheld=_NOT_THEIRS,
    category=Category.MESSAGES,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.SET_ASIDE,
    erasure=DELETE,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(
        plain("id"),
        plain("topic"),
        plain("message_partition"),
        plain("message_offset"),
        plain("message_timestamp"),
        pseudonymous("key"),
        personal("value"),
        pseudonymous("headers"),
        personal("sealed"),
        plain("value_bytes"),
        pseudonymous("user_id"),
        plain("code"),
        plain("detail"),
        plain("attempts"),
        plain("died_at"),
        plain("state"),
        plain("settled_at"),
        pseudonymous("settled_by"),
        plain("settled_reason"),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (IDEMPOTENCY_KEYS, INBOX, PARKED, DEAD_LETTERS)
