"""Proofs that a contact is its user's, and that users are who they say."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    ClassifiedTable,
    Subject,
    personal,
    plain,
    pseudonymous,
    special,
    table,
)
from usercore.privacy.classification.values import Category, Purpose, RetentionClass

_HASH: Final = "a keyed hash, by which nobody learns anything"

VERIFICATIONS: Final = table(
    "verifications",
    about="Codes and links that were sent to prove a contact, in hashed form, and identities that others verified",
    subject=Subject("user_id"),
    section="verifications",
    category=Category.ACCOUNT,
    purposes=(Purpose.SIGN_IN,),
    retention=RetentionClass.VERIFICATION,
    erasure=DELETE,
    columns=(
        plain("id"),
        pseudonymous("user_id", withheld="stands in the archive's manifest"),
        plain("channel"),
        plain("state"),
        personal("started_at"),
        pseudonymous("contact_hash", withheld=_HASH, category=Category.CREDENTIALS),
        special("code_hash", withheld=_HASH, category=Category.CREDENTIALS),
        special("token_hash", withheld=_HASH, category=Category.CREDENTIALS),
        plain("code_expires_at"),
        plain("link_expires_at"),
        plain("attempts"),
        personal("settled_at"),
        personal("verifier", retention=RetentionClass.ACCOUNT),
        personal("reference", retention=RetentionClass.ACCOUNT),
        plain("request", withheld="a hash of the request's idempotency key"),
    ),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (VERIFICATIONS,)
