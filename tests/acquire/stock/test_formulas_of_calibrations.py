"""Calibrations of each formula version, kept as they were stored: each version gives its own again, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acquire.canonical import canonical, parse
from acquire.procedure.results.verify import verify_store
from acquire.procedure.stock import formulas
from acquire.procedure.stock.formulas import FORMULAS, Formula, formula_named

KEPT = Path(__file__).parent / "released_calibrations.jsonl"


def kept(formula: str) -> list[tuple[bytes, bytes]]:
    lines = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    return [(each["inputs"].encode(), each["output"].encode()) for each in lines if each["formula"] == formula]


def computed(stock, issues="ecc"):
    name = stock.begin(issues=issues)
    stock.cycle(name, 1)
    stock.cycle(name, 2, gain=1.03)
    stock.compute(name)
    return name


@pytest.mark.parametrize("formula", FORMULAS, ids=[each.name for each in FORMULAS])
def test_what_was_stored_is_computed_again_by_the_version_that_it_names(formula):
    found = kept(formula.name)
    decisions = {parse(output)["decision"] for _, output in found}
    assert decisions == {"may be issued", "not to be issued"}
    assert {parse(inputs)["issues"] for inputs, _ in found} == {"ecc", "rcf", "ecc+rcf", "stated"}
    for inputs, output in found:
        assert canonical(formula.calculate(parse(inputs))) == output


def test_an_earlier_calibration_is_verified_by_its_own_version_and_a_new_one_is_made_beside_it(stock, monkeypatch):
    name, old = computed(stock), formulas.newest()

    def one_percent_more(inputs):
        made = old.calculate(inputs)
        return {**made, "elements": [{**each, "ecc": 1.01 * each["ecc"]} for each in made["elements"]]}

    monkeypatch.setattr(formulas, "FORMULAS", (Formula("element calibration 2", one_percent_more), *FORMULAS))
    assert verify_store(stock.connection) == []
    stock.compute(name)
    rows = stock.connection.execute(
        "SELECT formula, output FROM element_calibration_result ORDER BY version"
    ).fetchall()
    assert [row["formula"] for row in rows] == ["element calibration 1", "element calibration 2"]
    before, after = (parse(row["output"])["elements"][0]["ecc"] for row in rows)
    assert after == 1.01 * before
    assert verify_store(stock.connection) == []


def test_a_version_that_is_not_here_is_named(stock, monkeypatch):
    computed(stock)
    monkeypatch.setattr("acquire.procedure.stock.verify.formula_named", lambda _: None)
    (said,) = verify_store(stock.connection)
    assert said.endswith(
        "v1 was computed with 'element calibration 1'; this program has 'element calibration 1' and cannot repeat it."
    )
    assert formula_named("element calibration 99") is None
