"""What Hypothesis draws: valid domain values, with all the text that breaks things elsewhere."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.builders import IDS, OPERATOR
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.events import Event
from usercore.preferences.events import UserEmailPreferencesUpdated
from usercore.preferences.values import EmailPreference
from usercore.privacy.consents.events import UserConsentChanged
from usercore.users.attributes import NUMBER_LIMIT, Json, parse_attributes
from usercore.users.events import UserCreated, UserDeactivated, UserReactivated, UserUpdated
from usercore.users.model import AccountStatus, Profile, User, Verification
from usercore.users.values import (
    ADDRESS_MAX_CHARS,
    NAME_MAX_CHARS,
    AccountState,
    Address,
    DeactivationReason,
    EmailAddress,
    fold_ascii,
)

ACCUMULATING = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
"""For tests whose examples all add to one store, on purpose."""

NASTY = (
    "O'Brien; DROP TABLE users--",
    '"quoted" \\ back\\slash',
    "<script>alert(1)</script>",
    "Zoë Å Ångström",  # a letter with a combining mark, and two ways to write one letter
    "İstanbul ıI ẞß ﬁ",  # noqa: RUF001 - letters whose case folds to more than one letter, or by language
    "مرحبا \u202eright-to-left",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "𝕬𝖉𝖆 𐐷",  # noqa: RUF001 - beyond the basic plane
    "%s {0} ${HOME} {{7*7}}",
    "=1+1",
    "null",
    "\ufeff\u200bzero width",
    "é" * 60,
)
"""Text that is valid and has broken programs before."""

_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029")
_JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def lines(max_chars: int) -> st.SearchStrategy[str]:
    """Draw one line of trimmed text of 1 to `max_chars` characters."""
    drawn = st.text(_CHARACTERS, min_size=1, max_size=max_chars) | st.sampled_from(NASTY)
    return drawn.map(lambda text: text.strip()[:max_chars].strip()).filter(bool)


def instants() -> st.SearchStrategy[datetime]:
    """Draw aware UTC times to the microsecond."""
    return st.datetimes(
        min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone itself
        max_value=datetime(2090, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )


_ATOMS = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=12)
_LABELS = st.text(_LETTERS + "-", min_size=1, max_size=12).filter(
    lambda label: label.strip("-") == label and label[2:4] != "--"
)


@st.composite
def plain_addresses(draw: st.DrawFn) -> str:
    """Draw plain ASCII email addresses."""
    local = ".".join(draw(st.lists(_ATOMS, min_size=1, max_size=3)))
    labels = draw(st.lists(_LABELS, min_size=1, max_size=3))
    return f"{local}@{'.'.join(labels)}.{draw(st.sampled_from(('com', 'Example', 'museum')))}"


@st.composite
def unique_emails(draw: st.DrawFn) -> EmailAddress:
    """Draw addresses that no earlier draw gave."""
    local = draw(_ATOMS)
    address = f"{local}.{uuid4().hex}@{draw(_LABELS)}.example"
    return EmailAddress(address, fold_ascii(address))


def json_values() -> st.SearchStrategy[Json]:
    """Draw JSON as attributes may hold it."""
    whole = st.integers(-NUMBER_LIMIT, NUMBER_LIMIT)
    fractions = st.floats(-NUMBER_LIMIT, NUMBER_LIMIT, allow_nan=False)
    leaves: st.SearchStrategy[Json] = st.none() | st.booleans() | whole | fractions | _JSON_TEXT
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_JSON_TEXT, inner, max_size=4),
        max_leaves=8,
    )


def attributes() -> st.SearchStrategy[Mapping[str, Json]]:
    """Draw custom attributes in their one form."""
    small: st.SearchStrategy[Mapping[str, Json]] = st.dictionaries(_JSON_TEXT, json_values(), max_size=3)
    return small.filter(lambda raw: _depth(raw) <= 7).map(parse_attributes)


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return 1 + max((_depth(child) for child in children), default=0)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    """Draw postal addresses with at least one part."""
    parts = {name: draw(st.none() | lines(max_chars)) for name, max_chars in ADDRESS_MAX_CHARS.items()}
    return Address(**{**parts, "city": draw(lines(ADDRESS_MAX_CHARS["city"]))})


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Draw profiles whose email, username and external id nobody else has."""
    email = draw(unique_emails())
    own_name = st.just(email.address) | lines(30).map(_without_blanks).map(lambda word: word + uuid4().hex)
    return Profile(
        username=draw(own_name),
        email=email,
        first_name=draw(lines(NAME_MAX_CHARS)),
        last_name=draw(lines(NAME_MAX_CHARS)),
        phone_number=draw(st.none() | st.from_regex(r"\A\+[1-9][0-9]{1,14}\Z")),
        address=draw(st.none() | addresses()),
        locale=draw(st.none() | st.sampled_from(("en", "de-CH", "zh-Hant-TW", "x-klingon"))),
        time_zone=draw(st.none() | st.sampled_from(("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"))),
        birth_date=draw(st.none() | st.dates(date(1870, 1, 1), date(2020, 12, 31))),
        attributes=draw(attributes()),
        external_id=draw(st.none() | lines(20).map(lambda text: f"{text} {uuid4().hex}")),
    )


def _without_blanks(text: str) -> str:
    return "".join(character for character in text if not character.isspace() and character != "@")


def actors() -> st.SearchStrategy[Actor]:
    """Draw actors."""
    return st.builds(Actor, st.sampled_from(ActorKind), lines(30))


@st.composite
def statuses(draw: st.DrawFn, since: datetime) -> AccountStatus:
    """Draw account statuses, active or deactivated."""
    if draw(st.booleans()):
        return AccountStatus(AccountState.ACTIVE, since=since, actor=draw(actors()))
    return AccountStatus(
        AccountState.DEACTIVATED,
        since=since,
        actor=draw(actors()),
        reason=draw(st.sampled_from(DeactivationReason)),
        notes=draw(st.none() | lines(500)),
        until=draw(st.none() | instants()),
    )


@st.composite
def users(draw: st.DrawFn) -> User:
    """Draw users at version 1, in any state that a user may be seen in."""
    created = draw(instants())
    user = User.create(IDS.user_id(), draw(profiles()), now=created, actor=OPERATOR).user
    later = draw(st.none() | st.just(created + timedelta(microseconds=1)))
    return evolve(
        user,
        status=draw(statuses(created)),
        verification=Verification(later, draw(st.none() | instants()), draw(st.none() | instants())),
        restricted=draw(st.booleans()),
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Draw an event of any kind that is published."""
    user = draw(users())
    kind = draw(st.sampled_from(("created", "updated", "deactivated", "reactivated", "consent", "preferences")))
    if kind == "created":
        profile = user.profile
        return UserCreated(
            user.id, profile.email.address, profile.first_name, profile.last_name, created_at=user.created_at
        )
    if kind == "updated":
        fields = {name: value for name, value in user.facets().items() if name != "status"}
        names = draw(st.sets(st.sampled_from(sorted(fields)), min_size=1))
        return UserUpdated(
            user.id, draw(instants()), draw(st.integers(2, 10**9)), {n: fields[n] for n in sorted(names)}
        )
    if kind == "deactivated":
        reason = draw(st.sampled_from(DeactivationReason))
        return UserDeactivated(user.id, draw(instants()), reason, draw(st.none() | lines(500)))
    if kind == "reactivated":
        return UserReactivated(user.id, draw(instants()), draw(st.none() | lines(500)))
    if kind == "consent":
        purpose = draw(st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True))
        return UserConsentChanged(user.id, purpose, draw(st.booleans()), draw(lines(50)), draw(instants()))
    said = st.builds(
        EmailPreference,
        topic=st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
        subscribed=st.booleans(),
        source=lines(50),
        at=instants(),
        wording_version=lines(20),
    )
    topics = draw(st.lists(said, min_size=1, max_size=3, unique_by=lambda one: one.topic))
    return UserEmailPreferencesUpdated(user.id, draw(instants()), tuple(topics))
