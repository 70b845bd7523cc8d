"""Purposes and what a user said of them."""

import re
from datetime import UTC, datetime
from typing import Final

from attrs import field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.ids import UserId
from usercore.users.values import ValueRejectedError

PURPOSE_MAX_CHARS: Final = 50
PROOF_MAX_CHARS: Final = 500
GPC: Final = "sec-gpc"
"""The source of what a browser said by Global Privacy Control."""
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


@frozen
class Purpose:
    """What personal data may be used for, if the user consents.

    Args:
        name: lower-case words joined by hyphens, at most 50 characters.
        title: for people.
        description: for people.
        wording_version: names the legal text that users are shown now.
        registered_at: aware, UTC.
    """

    name: str
    title: str
    description: str
    wording_version: str
    registered_at: datetime


SALE: Final = Purpose(
    name="sale",
    title="Sale or sharing of personal information",
    description="Selling or sharing personal information. A browser's Global Privacy Control withdraws it.",
    wording_version="1",
    registered_at=datetime(2020, 1, 1, tzinfo=UTC),
)
"""Known without registration, so that an opt-out is never lost; the operator may register it with another wording.

Source: California Civil Code 1798.120, operative from 1 January 2020 (1798.198).
"""


@frozen
class Consent:
    """What one user said of one purpose.

    Args:
        purpose: the purpose's name.
        given: whether they allow it; False is a withdrawal, or a refusal of what was never given.
        wording_version: the text that they had been shown.
        source: where they said so: ``signup-form``, ``sec-gpc``.
        at: when; aware, UTC.
    """

    purpose: str
    given: bool
    wording_version: str
    source: str
    at: datetime


@frozen
class LedgerEntry:
    """One line of the ledger.

    Args:
        user_id: whose.
        version: the user's version that it made; orders the ledger.
        consent: what was said.
        actor: who recorded it.
        proof: a reference to the evidence or its text, or None; may be personal, and is removed by erasure.
    """

    user_id: UserId
    version: int
    consent: Consent
    actor: Actor
    proof: str | None = field(default=None, repr=False)


@frozen
class Standing:
    """What holds for a user and a purpose.

    Args:
        purpose: the purpose.
        entry: the last that was said of it, or None.
    """

    purpose: Purpose
    entry: LedgerEntry | None

    @property
    def given(self) -> bool:
        """Whether there is a consent; silence is none."""
        return self.entry is not None and self.entry.consent.given


def parse_purpose_name(raw: str) -> str:
    """Return a purpose's name.

    Raises:
        ValueRejectedError: `purpose_name`.
    """
    if len(raw) > PURPOSE_MAX_CHARS or not _SLUG.fullmatch(raw):
        detail = f"use lower-case words joined by hyphens, at most {PURPOSE_MAX_CHARS} characters"
        raise ValueRejectedError("purpose_name", detail)
    return raw
