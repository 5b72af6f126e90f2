"""Sums have the same bits on every Python, and neither a formula nor a reader's file is added with what has not."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import acquire
import drivers.files
from acquire.sums import added
from drivers.files.records import total_of

ROOMS = ("dosimetry", "procedure")


def test_a_sum_is_rounded_at_each_step_as_python_3_11_did_it() -> None:
    assert added([0.1] * 10) == 0.9999999999999999  # and 1.0 by the built-in one from 3.12 on
    assert added([1e100, 1.0, -1e100]) == 0.0
    assert (added([]), added([1, 2]), added(n > 1 for n in range(4))) == (0, 3, 2)


def test_no_formula_uses_the_built_in_sum() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for room in ROOMS
        for path in (Path(acquire.__file__).parent / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id == "sum"
    ]
    assert found == []


def test_the_sum_of_a_column_is_the_nearest_number_or_none_that_a_sample_takes() -> None:
    assert total_of([0.1] * 10) == 1.0  # and 0.9999999999999999 by the built-in one before 3.12
    assert (total_of([]), total_of([1, 2]), total_of([1e100, 1.0, -1e100])) == (0.0, 3.0, 1.0)
    assert total_of([1e308, 1e308]) == total_of([math.inf, -math.inf]) == total_of([10**400, 1]) == math.inf


def test_no_value_of_a_readers_file_comes_from_the_built_in_sum() -> None:
    """But of Risø's records, whose counts are integers."""
    files = sorted(Path(drivers.files.__file__).parent.glob("*.py"))
    assert {path.name for path in files for _ in values_by_sum(path)} == {"risoe_bin.py"}


def values_by_sum(path: Path) -> Iterator[ast.keyword]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "value":
            yield from (node for each in ast.walk(node) if isinstance(each, ast.Name) and each.id == "sum")
