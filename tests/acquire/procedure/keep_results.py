"""A plugin that keeps results of the newest release, as they are stored, for test_released_results.py.

    PYTHONPATH=tests/acquire/procedure python -m pytest -p keep_results tests/acquire/procedure/test_worked_cases.py ...

One of each method, decision or refusal, and set of inputs: the shortest. A file that is there is not written again;
while nothing was released with it, delete it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acquire.canonical import parse
from acquire.procedure.methods import releases
from acquire.procedure.results import result

LONGEST = 16000  # characters of inputs and output together: a spectrum's file is long
Kept = dict[tuple[object, ...], tuple[str, str]]
_kept: Kept = {}


def pytest_configure() -> None:
    """Before any test runs."""
    if _file().exists():
        raise pytest.UsageError(f"{_file()} is there: results of a release are kept once.")


def _file() -> Path:
    name = f"{releases.newest().replace(', ', '-').replace(' ', '-')}.jsonl"
    return Path(__file__).parent / "released" / name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    """Every result that a test calculates is looked at."""
    calculate_point = result.calculate_point

    def kept(*arguments: Any) -> Any:
        made = calculate_point(*arguments)
        connection = arguments[0]
        row = connection.execute(
            "SELECT inputs, output, formula FROM result WHERE session = ? AND point = ? AND version = ?",
            (made.session, made.point, made.version),
        ).fetchone()
        if row["formula"] == releases.newest():
            _keep(row["inputs"], row["output"])
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(result, "calculate_point", kept)
        return (yield)


def _keep(inputs: bytes, output: bytes) -> None:
    said, found = parse(inputs), parse(output)
    invalid = found["decision"] == "INVALID"
    key = (said["method"], invalid, found.get("formula"), None if invalid else frozenset(said))
    new = (inputs.decode(), output.decode())
    old = _kept.get(key)
    if sum(map(len, new)) < (LONGEST if old is None else sum(map(len, old))):
        _kept[key] = new


def pytest_sessionfinish() -> None:
    """One line a result."""
    lines = [json.dumps({"inputs": i, "output": o}, ensure_ascii=False) for i, o in sorted(_kept.values())]
    _file().write_text("\n".join(lines) + "\n", encoding="utf-8")
