"""A table's declaration fills in what its columns do not say, and refuses what contradicts itself."""

from typing import Unpack

import pytest

from usercore.privacy.classification import COLUMNS, Blank, Category, Exported, Keep, Purpose, Subject, Withheld
from usercore.privacy.classification.declaring import (
    DELETE,
    NULL,
    SHRED,
    ClassifiedTable,
    ColumnDraft,
    TableSays,
    contact,
    personal,
    plain,
    pseudonymous,
    table,
)
from usercore.privacy.classification.erasing import ErasureAction, erasure_plan, plan_of
from usercore.privacy.classification.values import Erasure, RetentionClass

KEPT = Keep("a reason")


def things(*columns: ColumnDraft, erasure: Erasure = KEPT, **says: Unpack[TableSays]) -> ClassifiedTable:
    return table(
        "things",
        about="Things",
        category=Category.IDENTITY,
        purposes=(Purpose.ACCOUNT,),
        retention=RetentionClass.ACCOUNT,
        erasure=erasure,
        columns=columns,
        **says,
    )


def persons_things(*columns: ColumnDraft) -> ClassifiedTable:
    return things(*columns, subject=Subject("user_id"), section="things")


def test_a_column_says_what_differs_and_its_table_the_rest() -> None:
    first, second = persons_things(
        personal("first_name", portable=True),
        contact("street_name", as_="address.street", erasure=NULL, purposes=(Purpose.SERVICE_MAIL,)),
    ).columns

    assert (first.key, first.export, first.erasure) == ("things.first_name", Exported("firstName", portable=True), KEPT)
    assert (second.export, second.erasure) == (Exported("address.street", portable=False), Blank(None))
    assert (first.purposes, second.purposes) == ((Purpose.ACCOUNT,), (Purpose.SERVICE_MAIL,))


def test_what_is_withheld_says_why() -> None:
    (column,) = persons_things(pseudonymous("user_id", withheld="known")).columns

    assert column.export == Withheld("known")


def test_a_column_about_nobody_in_a_table_of_nobody_has_no_purpose() -> None:
    (column,) = things(plain("name"), withheld="no data of users").columns

    assert column.purposes == ()


def test_a_row_is_not_deleted_by_halves() -> None:
    with pytest.raises(ValueError, match="things: a row is deleted whole"):
        persons_things(plain("a", erasure=DELETE), plain("b"))


def test_what_is_neither_exported_nor_withheld_is_refused() -> None:
    with pytest.raises(ValueError, match="section"):
        things(plain("a"))


def test_what_is_exported_belongs_to_a_person() -> None:
    with pytest.raises(ValueError, match="belong"):
        things(plain("a"), section="things")


def test_a_deleted_row_has_an_owner() -> None:
    with pytest.raises(ValueError, match="whose"):
        things(plain("a"), erasure=DELETE, withheld="no data of users")


@pytest.mark.parametrize(
    ("columns", "action"),
    [
        ((plain("a"), personal("b", erasure=NULL)), ErasureAction.UPDATE),
        ((plain("a"), personal("b", erasure=SHRED)), ErasureAction.SHRED),
        ((plain("a"),), ErasureAction.KEEP),
        ((plain("a", erasure=DELETE), plain("b", erasure=DELETE)), ErasureAction.DELETE),
    ],
)
def test_a_tables_erasure_follows_from_its_columns(columns: tuple[ColumnDraft, ...], action: ErasureAction) -> None:
    assert plan_of(persons_things(*columns)).action is action


def test_the_plan_covers_every_table() -> None:
    plans = {plan.table: plan for plan in erasure_plan()}

    assert plans["users"].blanks["email"].of("7") == "7@erased.invalid"
    assert plans["users"].blanks["attributes"].of("7") == {}
    assert plans["email_preferences"].action is ErasureAction.DELETE
    assert plans["audit_entries"].action is ErasureAction.KEEP
    assert (plans["outbox"].settled, plans["deliveries"].settled) == ("published_at", "delivered_at")


def test_the_plan_says_of_every_column_that_stays_what_becomes_of_it() -> None:
    for plan in erasure_plan():
        named = [*plan.blanks, *plan.shredded, *plan.kept]
        columns = [column.name for column in COLUMNS.values() if column.table == plan.table]
        assert sorted(named) == ([] if plan.action is ErasureAction.DELETE else sorted(columns))
