"""What `drivers` gives is what its types say, and each name comes from the file that they name."""

from __future__ import annotations

import ast
from pathlib import Path

import drivers


def test_the_names_and_their_homes_are_those_of_the_types() -> None:
    tree = ast.parse(Path(drivers.__file__).with_suffix(".pyi").read_text())
    typed = {name.name: each.module for each in tree.body if isinstance(each, ast.ImportFrom) for name in each.names}
    assert typed == drivers._HOME
    assert all(getattr(drivers, name) is not None for name in typed)
    assert not hasattr(drivers, "nothing_of_this_name")
