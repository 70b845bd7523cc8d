"""The words by which stored data is classified: what for, by what right, for how long, how close to the person."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import frozen


class LegalBasis(StrEnum):
    """By what right personal data is processed. Source: GDPR Art. 6(1)."""

    CONSENT = "Art. 6(1)(a)"
    CONTRACT = "Art. 6(1)(b)"
    LEGAL_OBLIGATION = "Art. 6(1)(c)"
    LEGITIMATE_INTERESTS = "Art. 6(1)(f)"

    @property
    def letter(self) -> str:
        """The letter within Art. 6(1)."""
        return self.value[-2]


class Purpose(StrEnum):
    """What data is processed for. The value is the sentence that people read."""

    ACCOUNT = "Keep the account that the person asked for"
    SIGN_IN = "Let the person sign in, and know that a contact is theirs"
    SERVICE_MAIL = "Send the messages that belong to the contract"
    TOPIC_MAIL = "Send mail on the topics that the person asked for"
    COMMERCE = "Know of orders and payments, and run the loyalty programme"
    ACCOUNTABILITY = "Prove who did what to whose data"
    RIGHTS = "Answer the requests of data subjects, and keep to what they decided"
    OPERATION = "Do each thing once and in order, and mend what failed"
    ADMINISTRATION = "Configure the service"

    @property
    def basis(self) -> LegalBasis:
        """By what right."""
        return _BASES[self]


_BASES: Final[Mapping[Purpose, LegalBasis]] = {
    Purpose.ACCOUNT: LegalBasis.CONTRACT,
    Purpose.SIGN_IN: LegalBasis.CONTRACT,
    Purpose.SERVICE_MAIL: LegalBasis.CONTRACT,
    Purpose.TOPIC_MAIL: LegalBasis.CONSENT,
    Purpose.COMMERCE: LegalBasis.CONTRACT,
    # Accountability is an obligation itself. Source: GDPR Art. 5(2).
    Purpose.ACCOUNTABILITY: LegalBasis.LEGAL_OBLIGATION,
    # Source: GDPR Art. 12 to 22, and 7(1) for consents.
    Purpose.RIGHTS: LegalBasis.LEGAL_OBLIGATION,
    Purpose.OPERATION: LegalBasis.LEGITIMATE_INTERESTS,
    Purpose.ADMINISTRATION: LegalBasis.LEGITIMATE_INTERESTS,
}


class Sensitivity(StrEnum):
    """How close a value is to the person."""

    NONE = "none"
    """Says nothing of anybody."""
    PSEUDONYMOUS = "pseudonymous"
    """Names a person to whoever has the key to it: ids, hashes."""
    PERSONAL = "personal"
    """Says something of a person."""
    CONTACT = "contact"
    """Reaches a person."""
    SPECIAL = "special"
    """Harms the person in the wrong hands: secrets, and what GDPR Art. 9 names."""

    @property
    def is_personal(self) -> bool:
        """Whether the value itself says something of a person, so that no log may show it."""
        return self in {Sensitivity.PERSONAL, Sensitivity.CONTACT, Sensitivity.SPECIAL}


class RetentionClass(StrEnum):
    """Data that is kept for the same time. The value is what people are told; the schedule has the figures."""

    ACCOUNT = "as long as the account exists"
    HISTORY = "as long as the account exists; the differences are unreadable once it is erased"
    ACTIVITY = "as long as the account exists, at most for the years that the schedule gives"
    AUDIT = "for the years of accountability that the schedule gives, beyond the account's end"
    RIGHTS = "for the years in which a claim can be made, beyond the account's end"
    ARCHIVES = "until the archive expires: days"
    VERIFICATION = "until the verification ends or expires, and the days that the schedule gives"
    OUTBOX = "until published, and the days that the schedule gives"
    DELIVERIES = "until acknowledged, and the days that the schedule gives"
    SET_ASIDE = "until settled or expired, and the days that the schedule gives"
    RECEIPTS = "until a repetition is no longer to be expected: hours or days"
    KEYS = "as long as what they open is to be readable"
    CONFIGURATION = "as long as the service is configured so"


class Recipient(StrEnum):
    """Who else is told. Source: GDPR Art. 30(1)(d)."""

    AUTHENTICATION = "AuthenticationService"
    NOTIFICATION = "NotificationService"
    AUDIT = "AuditService"
    CONSUMERS = "Services of the operator that read the published events"


class DataSubject(StrEnum):
    """Whose data. Source: GDPR Art. 30(1)(c)."""

    USERS = "users"
    OPERATORS = "operators and callers of the service"


class Category(StrEnum):
    """Sorts of data. Source: GDPR Art. 30(1)(c)."""

    IDENTITY = "Names, identifiers and what a person says of themselves"
    CONTACT = "Contact details"
    ACCOUNT = "Standing of the account, verification, restriction"
    PREFERENCES = "Mail preferences and consents"
    COMMERCE = "Orders, payments and loyalty points"
    TRAIL = "History of changes, audit trail"
    REQUESTS = "Requests of data subjects"
    MESSAGES = "Messages on their way to or from other services"
    CREDENTIALS = "Keys, codes and other secrets, in hashed or wrapped form"
    TECHNICAL = "Configuration and bookkeeping of the service"


@frozen
class Blank:
    """Erasure puts another value in place.

    Args:
        value: as the column takes it; in text ``{user_id}`` stands for the id of the erased user.
    """

    value: object = None

    def of(self, user_id: str) -> object:
        """Return what an erased user's row has."""
        return self.value.replace("{user_id}", user_id) if isinstance(self.value, str) else self.value


@frozen
class DeleteRow:
    """Erasure deletes the row."""


@frozen
class Shred:
    """The value is sealed with the user's key: once that is gone, nobody can read it."""


@frozen
class Keep:
    """Erasure leaves the value.

    Args:
        reason: by what right it stays, or why it says nothing of the person.
    """

    reason: str


Erasure = Blank | DeleteRow | Shred | Keep

ERASED_ADDRESS: Final = "{user_id}@erased.invalid"
"""What stands for an erased user's email and username. Source: RFC 2606, 2, for ``.invalid``: no mail arrives there."""


@frozen
class Exported:
    """The value appears in the archive of a data subject.

    Args:
        name: in the section of its table; dotted parts are nested.
        portable: in the archive for portability as well: the person provided it, and it is processed by consent or
            contract. Source: GDPR Art. 20(1); what the use of a service yields counts as provided (WP 242 rev.01,
            p. 10).
    """

    name: str
    portable: bool


@frozen
class Withheld:
    """The value does not appear in the archive.

    Args:
        reason: why the person loses nothing by it.
    """

    reason: str


Export = Exported | Withheld
