"""What every UserDirectory promises."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, SECOND, a_profile, creation, deactivation, in_state, update
from tests.contracts.footprints import must_commit
from tests.strategies import ACCUMULATING
from usercore.codec.profile import profile_document
from usercore.kernel.ids import UserId
from usercore.users.conditions import Comparison, Field, Operator
from usercore.users.errors import QueryInvalidError
from usercore.users.model import User
from usercore.users.ports import ProfileDocument
from usercore.users.queries import Position, Sort, UserQuery, read_cursor
from usercore.users.search import query_words
from usercore.users.values import AccountState
from usercore.wiring.core import Ports


async def all_pages(ports: Ports, query: UserQuery) -> list[ProfileDocument]:
    """Follow the cursors to the end; no page but the last may be short, and nobody comes twice."""
    found: list[ProfileDocument] = []
    while True:
        page = await ports.directory.page(query)
        found += page.items
        assert len({document.user_id for document in found}) == len(found)
        if page.next_cursor is None:
            return found
        assert len(page.items) == query.limit
        query = evolve(query, after=read_cursor(query.sort, page.next_cursor, query.mark))


async def listed(ports: Ports, query: UserQuery) -> set[UserId]:
    return {document.user_id for document in await all_pages(ports, query)}


async def test_an_empty_directory_is_one_empty_page(ports: Ports) -> None:
    page = await ports.directory.page(UserQuery())

    assert tuple(page.items) == ()
    assert page.next_cursor is None


async def test_pages_hold_ready_documents(ports: Ports) -> None:
    change = creation(a_profile(first_name="Zoë 𐐷", attributes={}))
    await must_commit(ports, change)

    page = await ports.directory.page(UserQuery())

    assert tuple(page.items) == (profile_document(change.user),)


async def test_a_full_last_page_has_no_cursor(ports: Ports) -> None:
    await must_commit(ports, creation(), creation())

    assert (await ports.directory.page(UserQuery(limit=2))).next_cursor is None
    assert (await ports.directory.page(UserQuery(limit=1))).next_cursor is not None


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_have_no_gap_and_no_repetition_among_equal_times(ports: Ports, sort: Sort, limit: int) -> None:
    changes = [creation(now=NOW + SECOND * (number // 4)) for number in range(12)]
    await must_commit(ports, *changes)
    touched = [update(change.user, first_name="Ada", now=NOW + timedelta(days=1)) for change in changes[3:8]]
    await must_commit(ports, *touched)
    users = {change.user.id: change.user for change in [*changes, *touched]}

    found = await all_pages(ports, UserQuery(sort=sort, limit=limit))

    assert [document.user_id for document in found] == expected_order(list(users.values()), sort)


def place(user: User, sort: Sort) -> tuple[datetime, UserId]:
    return (user.created_at if sort in {Sort.CREATED_UP, Sort.CREATED_DOWN} else user.updated_at, user.id)


def expected_order(users: Sequence[User], sort: Sort) -> list[UserId]:
    down = sort in {Sort.CREATED_DOWN, Sort.UPDATED_DOWN}
    return [user.id for user in sorted(users, key=lambda user: place(user, sort), reverse=down)]


async def test_a_user_created_behind_the_cursor_is_still_reached(ports: Ports) -> None:
    """A page ends at a place in the order, not at a count."""
    first, second = creation(now=NOW), creation(now=NOW + SECOND)
    await must_commit(ports, first, second)
    page = await ports.directory.page(UserQuery(sort=Sort.CREATED_UP, limit=1))
    assert page.next_cursor is not None
    earlier, later = creation(now=NOW - SECOND), creation(now=NOW + 2 * SECOND)
    await must_commit(ports, earlier, later)

    after = read_cursor(Sort.CREATED_UP, page.next_cursor)
    rest = await all_pages(ports, UserQuery(sort=Sort.CREATED_UP, limit=1, after=after))

    assert [document.user_id for document in rest] == [second.user.id, later.user.id]


async def test_only_active_and_deactivated_users_are_listed_unless_others_are_named(ports: Ports) -> None:
    by_state = {state: in_state(creation(), state) for state in AccountState}
    await must_commit(ports, *by_state.values())
    ids = {state: change.user.id for state, change in by_state.items()}

    assert await listed(ports, UserQuery()) == {ids[AccountState.ACTIVE], ids[AccountState.DEACTIVATED]}
    for state in AccountState:
        assert await listed(ports, UserQuery(states=frozenset({state}))) == {ids[state]}
    assert await listed(ports, UserQuery(states=frozenset(AccountState))) == set(ids.values())


async def test_names_filter_exactly(ports: Ports) -> None:
    grace = creation(a_profile("Grace@Example.com", username="Grace_H", external_id="CRM-1"))
    other = creation(a_profile("grace.h@example.com", username="GracexH", external_id="CRM-10"))
    await must_commit(ports, grace, other)
    mine = {grace.user.id}

    assert await listed(ports, UserQuery(email="grace@example.com")) == mine
    assert await listed(ports, UserQuery(username="grace_h")) == mine
    assert await listed(ports, UserQuery(external_id="CRM-1")) == mine
    assert await listed(ports, UserQuery(external_id="crm-1")) == set()
    assert await listed(ports, UserQuery(email="grace@example.com", username="gracexh")) == set()


async def test_times_are_exclusive_bounds(ports: Ports) -> None:
    early, late = creation(now=NOW), creation(now=NOW + 2 * SECOND)
    await must_commit(ports, early, late, update(early.user, first_name="Ada", now=NOW + 5 * SECOND))
    one, two = {early.user.id}, {late.user.id}

    assert await listed(ports, UserQuery(created_after=NOW)) == two
    assert await listed(ports, UserQuery(created_after=NOW - timedelta(microseconds=1))) == one | two
    assert await listed(ports, UserQuery(created_before=NOW + 2 * SECOND)) == one
    assert await listed(ports, UserQuery(updated_after=NOW + 2 * SECOND)) == one
    assert await listed(ports, UserQuery(updated_before=NOW + 5 * SECOND)) == two
    assert await listed(ports, UserQuery(created_after=NOW, created_before=NOW + SECOND)) == set()


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("gra", True),
        ("GRACE", True),
        ("hop gra", True),
        ("brewster", True),
        ("murray hopper", True),
        ("navy", True),
        ("mil", True),
        ("race", False),
        ("grace ada", False),
        ("gracee", False),
        ("strasse", True),
        ("STRASSE", True),
        ("ﬁnch", True),
        ("gra:*", True),
        ("'gra' & | !", True),
        ("o'bri", True),
        ("gra%", True),
        ("%", None),
    ],
)
async def test_each_word_of_a_search_begins_a_word_of_the_user(ports: Ports, query: str, finds: bool | None) -> None:
    profile = a_profile(
        "g.hopper@navy.mil",
        username="O'Brien_Straße",
        first_name="Grace Brewster",
        last_name="Murray Hopper-finch",
    )
    grace = creation(profile)
    await must_commit(ports, grace, creation(a_profile(first_name="Joan", last_name="Clarke")))
    if finds is None:
        assert await listed(ports, UserQuery(words=("%",))) == set()
        return

    found = await listed(ports, UserQuery(words=query_words(query)))

    assert found == ({grace.user.id} if finds else set())


async def test_a_search_follows_the_user_as_they_change(ports: Ports) -> None:
    created = creation(a_profile(last_name="Murray"))
    await must_commit(ports, created, update(created.user, last_name="Hopper"))

    assert await listed(ports, UserQuery(words=("hopper",))) == {created.user.id}
    assert await listed(ports, UserQuery(words=("murray",))) == set()


async def test_pages_of_a_condition_are_those_of_whom_it_holds_and_their_cursors_carry_its_mark(ports: Ports) -> None:
    names = ("Ada", "Grace", "Adam", "Ada", "Ada")
    changes = [creation(a_profile(first_name=name), now=NOW + SECOND * at) for at, name in enumerate(names)]
    gone = in_state(creation(a_profile(first_name="Ada")), AccountState.ERASED)
    await must_commit(ports, *changes, gone)
    condition = Comparison(Field.FIRST_NAME, Operator.EQUAL, "Ada")
    query = UserQuery(condition=condition, mark="a" * 16, sort=Sort.CREATED_UP, limit=1)

    found = await all_pages(ports, query)

    assert [one.user_id for one in found] == [changes[place].user.id for place in (0, 3, 4)]
    assert await listed(ports, evolve(query, states=frozenset(AccountState))) == {one.user_id for one in found}
    page = await ports.directory.page(query)
    assert page.next_cursor is not None
    with pytest.raises(QueryInvalidError):
        read_cursor(query.sort, page.next_cursor)


MOMENTS = tuple(NOW + SECOND * number for number in range(4))
FIRST_NAMES = ("Ada", "Grace", "Adam Grace")
moments = st.none() | st.sampled_from(MOMENTS)
queries = st.builds(
    UserQuery,
    states=st.frozensets(st.sampled_from(AccountState)),
    created_after=moments,
    created_before=moments,
    updated_after=moments,
    updated_before=moments,
    words=st.sampled_from(((), ("ada",), ("grace",), ("ada", "gr"), ("adam",), ("nobody",))),
    sort=st.sampled_from(Sort),
    limit=st.integers(1, 6),
    after=st.none() | st.builds(Position, st.sampled_from(MOMENTS), st.uuids(version=4).map(lambda u: UserId(str(u)))),
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[str, int, int | None, bool]:
    """Draw a user's first name, hour of birth, hour of a change, and whether it ends."""
    born = draw(st.integers(0, 3))
    return draw(st.sampled_from(FIRST_NAMES)), born, draw(st.none() | st.integers(born, 3)), draw(st.booleans())


@pytest.fixture
def everybody() -> dict[UserId, User]:
    """The users that a test has written, over all its examples."""
    return {}


@settings(ACCUMULATING, max_examples=60)
@given(new=st.lists(lives(), max_size=4), query=queries)
async def test_pages_joined_are_the_filtered_list_in_its_order(
    ports: Ports, everybody: dict[UserId, User], new: list[tuple[str, int, int | None, bool]], query: UserQuery
) -> None:
    for first_name, born, changed, ends in new:
        change = creation(a_profile(first_name=first_name), now=MOMENTS[born])
        await must_commit(ports, change)
        if changed is not None:
            at = MOMENTS[changed]
            ended = deactivation(change.user, now=at)
            change = ended if ends else update(change.user, now=at, phone_number="+4930")
            await must_commit(ports, change)
        everybody[change.user.id] = change.user
    wanted = [user for user in everybody.values() if satisfies(user, query)]

    found = await all_pages(ports, query)

    assert [document.user_id for document in found] == expected_order(wanted, query.sort)
    assert found == [profile_document(everybody[document.user_id]) for document in found]


def satisfies(user: User, query: UserQuery) -> bool:
    created, updated = user.created_at, user.updated_at
    words = user.profile.search_words
    states = query.states or {AccountState.ACTIVE, AccountState.DEACTIVATED}
    return (
        user.status.state in states
        and not (query.created_after and created <= query.created_after)
        and not (query.created_before and created >= query.created_before)
        and not (query.updated_after and updated <= query.updated_after)
        and not (query.updated_before and updated >= query.updated_before)
        and all(any(word.startswith(start) for word in words) for start in query.words)
        and (query.after is None or is_behind(user, query.sort, query.after))
    )


def is_behind(user: User, sort: Sort, after: Position) -> bool:
    here, there = place(user, sort), (after.at, after.user_id)
    return here < there if sort in {Sort.CREATED_DOWN, Sort.UPDATED_DOWN} else here > there
