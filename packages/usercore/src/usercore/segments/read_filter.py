"""Read a filter: from its text to what must hold of a user."""

import hashlib
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from usercore.activity.summary import LoyaltyTiers
from usercore.kernel.ports import Clock
from usercore.preferences.ports import TopicRegistry
from usercore.privacy.consents.ports import PurposeRegistry
from usercore.privacy.consents.purposes import ListPurposes
from usercore.segments.errors import SegmentInvalidError
from usercore.segments.parser import parse
from usercore.segments.printer import canonical
from usercore.segments.settling import Circumstances, settled
from usercore.segments.syntax import Clause, Filter
from usercore.users.conditions import And, Comparison, Condition, Field, Operator, leaves
from usercore.users.ports import EmailRules
from usercore.users.queries import UserQuery

_MARK_CHARS: Final = 16
_UNRESTRICTED: Final = Comparison(Field.RESTRICTED, Operator.EQUAL, value=False)


@frozen
class UserFilter:
    """A filter that was read.

    Args:
        text: its canonical form.
        condition: what must hold of a user, now.
        fields: the fields that it asks for, without values, sorted.
    """

    text: str
    condition: Condition
    fields: tuple[str, ...]

    @property
    def choosing(self) -> Condition:
        """What must hold of whoever the filter chooses.

        Data that is restricted may be kept and not otherwise processed, and to choose by it is to process it. So
        nobody is chosen whose data is restricted, unless the filter itself asks for that.
        Source: GDPR Art. 18(2), and Art. 4(2) for what processing is.
        """
        return self.condition if self.asks_for_restricted else And((self.condition, _UNRESTRICTED))

    @property
    def asks_for_restricted(self) -> bool:
        """Whether the filter says itself what becomes of users whose data is restricted."""
        return Field.RESTRICTED in self.fields

    @property
    def mark(self) -> str:
        """A short word for the filter: cursors of lists by it carry it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_MARK_CHARS]

    def joined(self, other: "UserFilter") -> "UserFilter":
        """Return what chooses those whom both choose."""
        fields = tuple(sorted({*self.fields, *other.fields}))
        return UserFilter(f"({self.text}) and ({other.text})", And((self.condition, other.condition)), fields)

    def narrow(self, query: UserQuery) -> UserQuery:
        """Return a list of those alone whom the filter chooses."""
        return evolve(query, condition=self.choosing, mark=self.mark)


@frozen
class ReadFilter:
    """Reads filters. Topics and purposes that they name must be registered: a slip of the pen chooses nobody else."""

    emails: EmailRules
    topics: TopicRegistry
    purposes: PurposeRegistry
    tiers: LoyaltyTiers
    clock: Clock

    async def __call__(self, text: str) -> UserFilter:
        """Return what a filter means at this moment.

        Args:
            text: in the language that :mod:`usercore.segments.parser` reads.

        Raises:
            SegmentInvalidError: it cannot be followed; the error says where it goes wrong, and what to do.
            UnavailableError: the database does not answer.
        """
        tree = parse(text)
        await self._check_names(tree)
        condition = settled(tree, Circumstances(self.clock.now(), self.emails, self.tiers))
        return UserFilter(canonical(tree), condition, tuple(sorted({one.field.path for one in leaves(tree)})))

    async def _check_names(self, tree: Filter) -> None:
        topics, purposes = list(_naming(tree, Field.EMAIL_PREFERENCE)), list(_naming(tree, Field.CONSENT))
        if topics:
            _check(topics, {topic.name for topic in await self.topics.all()}, "topic")
        if purposes:
            _check(purposes, {purpose.name for purpose in await ListPurposes(self.purposes)()}, "purpose")


def _naming(tree: Filter, field: Field) -> Iterator[Clause]:
    return (clause for clause in leaves(tree) if clause.field.stored is field)


def _check(clauses: list[Clause], known: set[str], what: str) -> None:
    for clause in clauses:
        if clause.keys[0] not in known:
            words = ", ".join(sorted(known)) or "none"
            advice = f"there is no such {what}; registered are: {words}"
            raise SegmentInvalidError.at(clause.position, f"unknown_{what}", advice)
