"""Every stored field is classified, and what the classification says makes sense."""

from tests.builders import creation
from usercore.adapters.sql.tables import metadata
from usercore.preferences.get_email_preferences import FACET
from usercore.privacy.classification import (
    COLUMNS,
    TABLES,
    Blank,
    Exported,
    Keep,
    LegalBasis,
    Purpose,
    Sensitivity,
    columns_of,
)

STORED = {f"{table.name}.{column.name}": column for table in metadata.sorted_tables for column in table.columns}


def test_every_stored_column_is_classified() -> None:
    unclassified = STORED.keys() - COLUMNS.keys()

    assert unclassified == set(), "declare these in usercore/privacy/classification"


def test_nothing_is_classified_that_is_not_stored() -> None:
    assert COLUMNS.keys() - STORED.keys() == set()


def test_a_blank_null_is_put_only_where_the_table_takes_one() -> None:
    blanks = {key for key, column in COLUMNS.items() if column.erasure == Blank(None)}

    assert {key for key in blanks if not STORED[key].nullable} == set()


def test_every_persons_row_is_found_by_a_column_that_exists() -> None:
    named = {(table.name, table.subject.column) for table in TABLES if table.subject}
    settled = {(table.name, table.settled) for table in TABLES if table.settled}

    assert {f"{table}.{column}" for table, column in named | settled} <= STORED.keys()


def test_what_is_personal_never_outlives_erasure() -> None:
    personal = [column for column in COLUMNS.values() if column.sensitivity.is_personal]
    kept = {column.key for column in personal if isinstance(column.erasure, Keep)}

    # A line of the ledger keeps an id that is nobody's.
    # An uploaded file is sealed as a whole, opened by its import alone, and gone with it.
    assert kept == {"consents.given", "import_parts.sealed"}


def test_whatever_is_a_persons_has_a_purpose_and_a_right() -> None:
    of_people = [column for column in COLUMNS.values() if column.sensitivity is not Sensitivity.NONE]

    assert [column.key for column in of_people if not (column.purposes and column.bases)] == []
    assert all(isinstance(purpose.basis, LegalBasis) for purpose in Purpose)


def test_every_facet_that_history_tells_of_is_classified() -> None:
    user = creation().user

    assert {facet for facet in user.facets() if not columns_of(facet)} == set()
    assert {column.table for column in columns_of(f"{FACET}news")} == {"email_preferences"}
    assert columns_of("no_such_facet") == ()


def test_no_two_columns_of_a_section_are_exported_under_one_name() -> None:
    for table in TABLES:
        names = [column.export.name for column in table.columns if isinstance(column.export, Exported)]
        assert len(names) == len(set(names)), table.name


def test_no_secret_is_exported() -> None:
    special = [column for column in COLUMNS.values() if column.sensitivity is Sensitivity.SPECIAL]

    assert special
    assert [column.key for column in special if isinstance(column.export, Exported)] == []
