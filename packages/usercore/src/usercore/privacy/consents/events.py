"""What is announced about consents, and what is kept of them."""

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from usercore.kernel.events import Event, Record
from usercore.privacy.consents.values import LedgerEntry


@frozen
class UserConsentChanged(Event):
    """A user gave or withdrew a consent."""

    message: ClassVar[str] = "UserConsentChanged"

    purpose: str
    given: bool
    wording_version: str
    changed_at: datetime


@frozen
class ConsentRecord(Record):
    """A new line of the ledger."""

    entry: LedgerEntry
