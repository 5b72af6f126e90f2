"""Sums have the same bits on every Python, and no formula adds with what has not."""

from __future__ import annotations

import ast
from pathlib import Path

import acquire
from acquire.sums import added

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
