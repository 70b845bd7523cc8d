"""Keys, wrapped by a master key that is kept elsewhere."""

from typing import Final

from usercore.privacy.classification.declaring import (
    DELETE,
    NOBODY,
    ClassifiedTable,
    Subject,
    plain,
    pseudonymous,
    special,
    table,
)
from usercore.privacy.classification.values import Category, Purpose, RetentionClass

USER_KEYS: Final = table(
    "user_keys",
    about="The key that a person's history and messages are sealed with; erasure deletes it",
    subject=Subject("user_id"),
    withheld="a secret of the service, which opens what the archive shows in the clear",
    category=Category.CREDENTIALS,
    purposes=(Purpose.ACCOUNT,),
    retention=RetentionClass.KEYS,
    erasure=DELETE,
    columns=(pseudonymous("user_id"), plain("master_version"), special("sealed_key"), plain("created_at")),
)

SERVICE_KEYS: Final = table(
    "service_keys",
    about="Keys of the service itself: for look-ups by hash, and for messages that belong to nobody known",
    withheld="no data of users",
    category=Category.CREDENTIALS,
    purposes=(Purpose.OPERATION,),
    retention=RetentionClass.KEYS,
    erasure=NOBODY,
    data_subjects=(),
    columns=(plain("name"), plain("master_version"), plain("sealed_key"), plain("created_at")),
)

TABLES: Final[tuple[ClassifiedTable, ...]] = (USER_KEYS, SERVICE_KEYS)
