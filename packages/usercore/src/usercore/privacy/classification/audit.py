"""Proof of the audit trail, and what its lists showed."""

from typing import Final

from usercore.privacy.classification.declaring import (
    NOBODY,
    ClassifiedTable,
    Subject,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.values import Category, DataSubject, Keep, Purpose, RetentionClass

_PROOF = Keep("legal obligation: proves who saw whose data, and that the record is whole (GDPR Art. 5(2), 17(3)(b))")

LEAVES: Final = table(
    "audit_leaves",
    about="Where each person's part of the audit trail ended when a checkpoint was made",
    withheld="proves that nothing was changed",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNTABILITY,),
    retention=RetentionClass.AUDIT,
    erasure=_PROOF,
    columns=(plain("position"), pseudonymous("user_id"), plain("sequence"), plain("hash")),
)

CHECKPOINTS: Final = table(
    "audit_checkpoints",
    about="Signed hashes of the whole audit trail",
    withheld="no data of users",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNTABILITY,),
    retention=RetentionClass.AUDIT,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("number"), plain("made_at"), plain("note"), plain("peaks")),
)

TURNS: Final = table(
    "audit_checkpoint_turns",
    about="Whose turn it is to make a checkpoint",
    withheld="no data of users",
    category=Category.TECHNICAL,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.CONFIGURATION,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("turn"),),
)

LISTED: Final = table(
    "audit_listed",
    about="Whom a list showed that an operator asked for",
    subject=Subject("user_id"),
    withheld="says by ids alone which list showed whom",
    category=Category.TRAIL,
    purposes=(Purpose.ACCOUNTABILITY,),
    retention=RetentionClass.AUDIT,
    erasure=_PROOF,
    data_subjects=(DataSubject.USERS, DataSubject.OPERATORS),
    columns=(plain("event_id"), pseudonymous("user_id")),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (LEAVES, CHECKPOINTS, TURNS, LISTED)
