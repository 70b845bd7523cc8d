"""Errors: stable codes, and words for people."""

import gc
import importlib
import inspect
import pkgutil

import pytest

import usercore
from usercore.kernel.errors import (
    ConflictError,
    DeniedError,
    ExhaustedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UserCoreError,
    Violation,
    all_errors,
)

KINDS = {InvalidError, NotFoundError, ConflictError, DeniedError, ExhaustedError, UnavailableError}


@pytest.fixture(scope="module")
def errors() -> tuple[type[UserCoreError], ...]:
    for module in pkgutil.walk_packages(usercore.__path__, "usercore."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()  # attrs makes a class anew for its slots, and the first one lingers
    return tuple(error for error in all_errors() if error.__module__.startswith("usercore."))


def test_every_leaf_has_a_code_of_its_own(errors: tuple[type[UserCoreError], ...]) -> None:
    codes = [error.code for error in errors]

    assert len(errors) > 20
    assert sorted(codes) == sorted(set(codes))
    assert all(code == code.lower() and code.replace("_", "").isalpha() for code in codes)


def test_every_leaf_has_a_summary_of_its_own_and_says_what_it_is(errors: tuple[type[UserCoreError], ...]) -> None:
    summaries = [error.summary for error in errors]

    assert len(set(summaries)) == len(summaries)
    assert all(error.summary and inspect.getdoc(error) for error in errors)


def test_every_leaf_is_of_exactly_one_kind(errors: tuple[type[UserCoreError], ...]) -> None:
    for error in errors:
        if error is not UserCoreError:
            assert len([kind for kind in KINDS if issubclass(error, kind)]) == 1


def test_parents_are_listed_before_their_leaves(errors: tuple[type[UserCoreError], ...]) -> None:
    seen: set[type] = set()
    for error in errors:
        if error is not UserCoreError:
            assert seen.intersection(error.__bases__)
        seen.add(error)


def test_an_error_speaks_its_detail_or_else_its_summary() -> None:
    assert str(NotFoundError()) == "There is no such thing"
    assert str(NotFoundError("nobody of that name")) == "nobody of that name"


def test_an_invalid_error_names_each_field() -> None:
    error = InvalidError(
        violations=(Violation(("address", "city"), "too_long", "shorten it"), Violation((), "x", "no object"))
    )

    assert str(error) == "The input is not valid: address.city: shorten it; input: no object"
