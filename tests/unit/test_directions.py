"""What the innermost parts may stand on."""

import sys

import grimp
import pytest

FEATURES = ("kernel", "users", "preferences", "activity", "segments")
ALLOWED = {"attr", "attrs", "usercore", *sys.stdlib_module_names}


@pytest.mark.parametrize("part", FEATURES)
def test_kernel_and_features_import_the_standard_library_and_attrs_alone(part: str) -> None:
    graph = grimp.build_graph("usercore", include_external_packages=True, cache_dir=None)
    modules = {f"usercore.{part}", *graph.find_descendants(f"usercore.{part}")}
    imported = {found for module in modules for found in graph.find_modules_directly_imported_by(module)}
    assert "attrs" in imported
    assert {name.partition(".")[0] for name in imported} - ALLOWED == set()
