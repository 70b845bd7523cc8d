"""A privacy request: what may happen to one, and what comes of it.

A method returns the next state, or raises. Time and zone are arguments; nothing here reads a clock or a database.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import NewType, Self

from attrs import evolve, field, frozen

from usercore.kernel.context import Actor
from usercore.kernel.errors import Violation
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.deadlines import due_at
from usercore.privacy.requests.errors import (
    ErasureUnderWayError,
    ExtensionError,
    IdentityNeededError,
    RequestClosedError,
    RequestInvalidError,
    RequestStateError,
)
from usercore.privacy.requests.values import (
    ONLY_FOR,
    OPEN,
    WITHOUT_IDENTITY,
    Extension,
    IdentityCheck,
    Jurisdiction,
    Refusal,
    RequestKind,
    RequestState,
)
from usercore.users.intake import ProfilePatch

RequestId = NewType("RequestId", str)
"""One privacy request, for ever: a UUIDv7 in canonical text form."""


class ErasureStep(StrEnum):
    """What an erasure does next. Each step may be done again, and is left once it is done."""

    DRAIN = "DRAIN"
    """Wait until what was announced of the person before has gone out."""
    SUPPRESS = "SUPPRESS"
    """Keep the address from ever being written to again, by a keyed hash of it."""
    LEDGER = "LEDGER"
    """Write down outside the database that the person is erased, just before it is done."""
    ERASE = "ERASE"
    """Blank, delete and announce, in one transaction."""
    RECEIPTS = "RECEIPTS"
    """Wait until everybody has acknowledged."""


class Recipient(StrEnum):
    """Who must acknowledge an erasure."""

    AUTHENTICATION = "AUTHENTICATION"
    NOTIFICATION = "NOTIFICATION"
    AUDIT = "AUDIT"
    TOPIC = "TOPIC"
    """The brokers: `UserErased` is published to everybody who listens."""


@frozen
class Erasure:
    """How far an erasure has come.

    Args:
        step: what is done next.
        event_id: names the step of the user's life that erases them, from before it is taken.
        since: when the step began; aware, UTC.
        receipts: who has acknowledged, and when.
        dropped: how many announcements were dropped because they had not gone out in time.
        ledger_sequence: where the entry stands in the ledger outside the database; None without one.
    """

    step: ErasureStep
    event_id: EventId
    since: datetime
    receipts: Mapping[Recipient, datetime] = field(factory=dict)
    dropped: int = 0
    ledger_sequence: int | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether everybody has acknowledged."""
        return self.receipts.keys() >= set(Recipient)


@frozen
class Asked:
    """What a person asks, in their own words and values.

    Args:
        text: in words.
        patch: of a rectification: the values that are right.
    """

    text: str | None = field(default=None, repr=False)
    patch: ProfilePatch | None = field(default=None, repr=False)


@frozen
class PrivacyRequest:
    """One request about one person's data.

    Args:
        id: its own for ever.
        user_id: whose data.
        version: 1 at receipt, one more with each step.
        kind: what is asked.
        jurisdiction: whose law sets the deadline.
        state: where it stands.
        received_at: aware, UTC.
        due_at: the last moment at which an answer is in time.
        updated_at: when it was last taken a step further.
        received_from: who brought it.
        asked: what was asked, beyond its kind.
        identity: how it was found who asks; None while nobody knows.
        extension: why it takes longer, where the person was told so.
        refusal: why nothing is done.
        outcome: what was done, in words.
        closed_at: when it was answered or taken back.
        erasure: how far the erasure has come.
        trouble: code of what kept the service from doing it by itself, so that an operator has to look.
        archive_until: until when an archive can be fetched.
    """

    id: RequestId
    user_id: UserId
    version: int
    kind: RequestKind
    jurisdiction: Jurisdiction
    state: RequestState
    received_at: datetime
    due_at: datetime
    updated_at: datetime
    received_from: Actor
    asked: Asked = Asked()
    identity: IdentityCheck | None = None
    extension: Extension | None = None
    refusal: Refusal | None = None
    outcome: str | None = field(default=None, repr=False)
    closed_at: datetime | None = None
    erasure: Erasure | None = None
    trouble: str | None = None
    archive_until: datetime | None = None

    @classmethod
    def receive(
        cls,
        request_id: RequestId,
        user_id: UserId,
        kind: RequestKind,
        jurisdiction: Jurisdiction,
        *,
        now: datetime,
        zone: tzinfo,
        actor: Actor,
        asked: Asked,
    ) -> Self:
        """Take a request in."""
        return cls(
            id=request_id,
            user_id=user_id,
            version=1,
            kind=kind,
            jurisdiction=jurisdiction,
            state=RequestState.RECEIVED,
            received_at=now,
            due_at=due_at(kind, jurisdiction, now, zone),
            updated_at=now,
            received_from=actor,
            asked=asked,
        )

    def checked(self, identity: IdentityCheck | None) -> Self:
        """Leave RECEIVED: for ACCEPTED where it is known who asks or needs not be, else for IDENTITY_PENDING."""
        self._require(RequestState.RECEIVED)
        known = identity is not None or self.kind in WITHOUT_IDENTITY
        state = RequestState.ACCEPTED if known else RequestState.IDENTITY_PENDING
        return evolve(self, state=state, identity=identity)

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for an answer."""
        return self.state in OPEN

    @property
    def is_final(self) -> bool:
        """Whether an erasure has passed the point from which there is no way back."""
        return self.erasure is not None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether an answer would come too late."""
        return self.is_open and now > self.due_at

    def identify(self, identity: IdentityCheck) -> Self | None:
        """Note how it was found who asks.

        Returns:
            The request, accepted; None where that was known already.

        Raises:
            RequestClosedError: it has been answered.
        """
        self._require_open()
        if self.identity is not None:
            return None
        waits = self.state is RequestState.IDENTITY_PENDING
        state = RequestState.ACCEPTED if waits else self.state
        return self._advance(identity.at, identity=identity, state=state)

    def extend(self, reason: str, *, now: datetime, zone: tzinfo) -> Self | None:
        """Put the deadline off, and say why.

        Source: GDPR, Art. 12(3): the person is told within the first month; California Civil Code, 1798.130 (a)(2)(A):
        within the first 45 days.

        Returns:
            The request; None where it was put off for that reason before.

        Raises:
            RequestClosedError: it has been answered.
            ExtensionError: it was put off before, the first period is over, or there is no more time to be had.
        """
        self._require_open()
        if self.extension is not None:
            if self.extension.reason == reason:
                return None
            raise ExtensionError("the deadline was extended before, and the law allows it once")
        if now > self.due_at:
            raise ExtensionError("the person has to be told within the first period, and that is over")
        later = due_at(self.kind, self.jurisdiction, self.received_at, zone, extended=True)
        if later <= self.due_at:
            raise ExtensionError("the law knows no extension for this")
        return self._advance(now, due_at=later, extension=Extension(now, reason))

    def refuse(self, refusal: Refusal, *, now: datetime) -> Self | None:
        """Answer that nothing is done, and why.

        Returns:
            The request; None where it was refused on that ground before.

        Raises:
            RequestClosedError: it has been answered otherwise.
            RequestInvalidError: the law gives that ground for other rights alone.
            ErasureUnderWayError: there is no way back.
        """
        if self.refusal is not None and self.refusal.ground is refusal.ground:
            return None
        self._require_open()
        self._require_way_back()
        if self.kind not in ONLY_FOR.get(refusal.ground, frozenset({self.kind})):
            detail = "the law gives this ground for other rights alone"
            raise RequestInvalidError(violations=(Violation(("ground",), "ground_not_applicable", detail),))
        return self._advance(now, state=RequestState.REFUSED, refusal=refusal, closed_at=now)

    def cancel(self, *, now: datetime) -> Self | None:
        """Take the request back.

        Returns:
            The request; None where it was taken back before.

        Raises:
            RequestClosedError: it has been answered.
            ErasureUnderWayError: there is no way back.
        """
        if self.state is RequestState.CANCELLED:
            return None
        self._require_open()
        self._require_way_back()
        return self._advance(now, state=RequestState.CANCELLED, closed_at=now)

    def begin(self, *, now: datetime) -> Self:
        """Begin with what is asked.

        Raises:
            RequestClosedError: it has been answered.
            IdentityNeededError: nobody knows yet who asks.
        """
        self._require_accepted()
        return self._advance(now, state=RequestState.IN_PROGRESS, trouble=None)

    def complete(self, outcome: str, *, now: datetime, archive_until: datetime | None = None) -> Self | None:
        """Answer what was done.

        Returns:
            The request; None where it was completed before.

        Raises:
            RequestClosedError: it has been answered otherwise.
            IdentityNeededError: nobody knows yet who asks.
        """
        if self.state is RequestState.COMPLETED:
            return None
        self._require_accepted()
        return self._advance(
            now,
            state=RequestState.COMPLETED,
            outcome=outcome,
            closed_at=now,
            archive_until=archive_until,
            trouble=None,
        )

    def troubled(self, code: str, *, now: datetime) -> Self:
        """Note that the service cannot do it by itself, and why."""
        return self._advance(now, trouble=code)

    def begin_erasure(self, event_id: EventId, *, now: datetime) -> Self:
        """Begin to erase: from here there is no way back.

        Raises:
            RequestClosedError, IdentityNeededError: as :meth:`begin`.
            RequestStateError: something else is asked.
        """
        if self.kind is not RequestKind.ERASURE:
            raise RequestStateError("an erasure is not what was asked for")
        self._require_accepted()
        erasure = Erasure(ErasureStep.DRAIN, event_id, since=now)
        return self._advance(now, state=RequestState.IN_PROGRESS, erasure=erasure)

    def erased_so_far(self, erasure: Erasure, *, now: datetime) -> Self:
        """Note how far the erasure has come; it is complete once everybody has acknowledged it."""
        moved = self._advance(now, erasure=erasure, trouble=None)
        if erasure.step is not ErasureStep.RECEIPTS:
            return moved
        erased = moved.without_words()
        if not erasure.is_acknowledged:
            return erased
        return evolve(erased, state=RequestState.COMPLETED, closed_at=now, outcome="everything personal was erased")

    def overtaken(self, *, now: datetime) -> Self:
        """Return the request as another one leaves it that erased the user: there is nothing left to be done."""
        if not self.is_open:
            return evolve(self, version=self.version + 1)
        return evolve(self, version=self.version + 1, state=RequestState.CANCELLED, closed_at=now)

    def without_words(self) -> Self:
        """Return the request without anything that the person, or somebody about them, wrote."""
        return evolve(
            self,
            asked=Asked(),
            identity=self.identity and evolve(self.identity, note=None),
            extension=self.extension and evolve(self.extension, reason=""),
            refusal=self.refusal and evolve(self.refusal, text=""),
            outcome=None,
        )

    @property
    def is_erased(self) -> bool:
        """Whether the erasure is done, and everybody has acknowledged it."""
        return self.erasure is not None and self.state is RequestState.COMPLETED

    def _advance(self, now: datetime, **changes: object) -> Self:
        return evolve(self, version=self.version + 1, updated_at=max(now, self.updated_at), **changes)  # type: ignore[arg-type]

    def _require(self, state: RequestState) -> None:
        if self.state is not state:
            raise RequestStateError

    def _require_open(self) -> None:
        if not self.is_open:
            raise RequestClosedError

    def _require_way_back(self) -> None:
        if self.is_final:
            raise ErasureUnderWayError

    def _require_accepted(self) -> None:
        self._require_open()
        if self.identity is None and self.kind not in WITHOUT_IDENTITY:
            raise IdentityNeededError


def next_step(erasure: Erasure, now: datetime) -> Erasure:
    """Return an erasure at the step behind the one it stands at."""
    steps = list(ErasureStep)
    return evolve(erasure, step=steps[steps.index(erasure.step) + 1], since=now)
