"""Budgets and the law of propagation: rows that belong together, refusals, and the formulas in numbers."""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d


def row(u: float, sensitivity: float = 1.0, dof: float = math.inf, key: str | None = None, name: str = "x", **more):
    return d.Contribution(name, u, "s", sensitivity=sensitivity, dof=dof, shared_key=key, **more)


def test_rows_of_one_name_and_key_are_one_error() -> None:
    assert d.Budget((row(3.0, key="lab"), row(4.0, key="lab"))).u_percent == pytest.approx(7.0)
    assert d.Budget((row(3.0, key="lab"), row(4.0, -1.0, key="lab"))).u_percent == pytest.approx(1.0)
    assert d.Budget((row(3.0, key="lab"), row(4.0, key="other"))).u_percent == pytest.approx(5.0)
    assert d.Budget((row(3.0, key="lab"), row(4.0, key="lab", name="y"))).u_percent == pytest.approx(5.0)
    assert d.Budget((row(3.0), row(4.0))).u_percent == pytest.approx(5.0)
    shared = d.Budget((row(3.0, dof=5, key="lab"), row(1.0, dof=9, key="lab"), row(4.0, dof=8)))
    # 4 % with 5, 4 % with 8 degrees of freedom
    assert shared.dof == pytest.approx(32**2 / (256 / 5 + 256 / 8))


def test_what_a_budget_says_of_itself() -> None:
    budget = d.Budget((row(1.0, -2.0, kind="A", dof=4), row(1.5), row(0.5, kind="A", dof=9)))
    assert budget.u_percent == pytest.approx(math.sqrt(4 + 2.25 + 0.25))
    assert budget.type_a_percent == pytest.approx(math.sqrt(4.25))
    assert budget.type_b_percent == pytest.approx(1.5)
    assert budget.dof == pytest.approx(6.5**2 / (16 / 4 + 0.0625 / 9))
    assert budget.k == d.coverage_factor(10)
    assert budget.expanded_percent == pytest.approx(budget.k * budget.u_percent)
    assert [each.part_percent for each in budget.rows] == [2.0, 1.5, 0.5]
    assert len(budget.with_rows(row(9.0), row(8.0)).rows) == 5
    assert [each.sensitivity for each in budget.scaled(-3.0).rows] == [6.0, -3.0, -3.0]


def test_a_row_that_is_none_is_refused() -> None:
    for wrong in (-0.1, math.nan, math.inf):
        with pytest.raises(d.OutsideValidity, match="finite number of 0 % or more"):
            row(wrong)
    with pytest.raises(d.OutsideValidity, match="finite number"):
        row(1.0, math.nan)
    with pytest.raises(d.OutsideValidity, match=r"has 0\.9 degrees of freedom"):
        row(1.0, dof=0.9)
    assert row(0.0, dof=1).u_percent == 0.0


def test_degrees_of_freedom_and_coverage_in_numbers() -> None:
    assert d.effective_dof([(1.0, 4), (1.0, 4)]) == 8
    assert d.effective_dof([(1.0, 4), (0.0, 1)]) == 4
    assert d.effective_dof([(1.0, math.inf)]) == math.inf
    assert d.effective_dof([]) == math.inf
    with pytest.raises(d.OutsideValidity, match="at least 1 is needed"):
        d.effective_dof([(1.0, 0.5)])
    assert d.effective_dof([(1.0, 1.0)]) == 1
    for wrong, said in (((math.nan, 4.0), "part is nan"), ((1.0, math.nan), "dof is nan")):
        with pytest.raises(d.OutsideValidity, match=said):
            d.effective_dof([wrong])
    assert d.coverage_factor(2.9999999999999) == d.coverage_factor(3)
    assert d.coverage_factor(2.99) == d.coverage_factor(2)
    assert d.coverage_factor(math.inf) == 2.0
    assert d.coverage_factor(math.inf, 0.95) == pytest.approx(1.959964, abs=1e-6)
    assert d.coverage_factor(1) == pytest.approx(13.97, abs=0.005)
    assert d.coverage_factor(0.7 + 0.3) == d.coverage_factor(1)
    assert d.quadrature([3.0, 4.0]) == 5.0


def test_a_certificates_u_is_its_expanded_one_over_its_k() -> None:
    assert d.standard_from_certificate(1.1, 2.0) == pytest.approx(0.55)
    assert d.standard_from_certificate(0.0, 2.0) == 0.0
    assert d.standard_from_certificate(1.1, 0.5) == pytest.approx(2.2)
    for expanded, k in ((1.1, 0.0), (1.1, -2.0), (-0.1, 2.0)):
        with pytest.raises(d.OutsideValidity, match="U of 0 % or more and k above 0"):
            d.standard_from_certificate(expanded, k)


def test_the_law_of_propagation_in_numbers() -> None:
    inputs = {"a": d.InputQuantity(3.0, 0.3, 4), "b": d.InputQuantity(2.0, 0.0), "c": d.InputQuantity(5.0, 0.4, 9)}
    found = d.propagate(lambda a, b, c: 2 * a * b - c, inputs)
    assert found.value == pytest.approx(7.0)
    assert dict(found.parts) == {"a": pytest.approx(1.2), "b": 0.0, "c": pytest.approx(-0.4)}
    assert found.u == pytest.approx(math.hypot(1.2, 0.4))
    assert found.dof == pytest.approx((1.44 + 0.16) ** 2 / (1.2**4 / 4 + 0.4**4 / 9))
    assert found.k == d.coverage_factor(found.dof)
    with_r = d.propagate(lambda a, b, c: 2 * a * b - c, inputs, {("a", "c"): 0.5})
    assert with_r.u == pytest.approx(math.sqrt(1.44 + 0.16 + 2 * 0.5 * 1.2 * -0.4))
    # the derivative is taken over ± u: a square's is exact in the middle
    assert d.propagate(lambda a: a * a, {"a": d.InputQuantity(3.0, 0.5)}).u == pytest.approx(3.0)
    assert d.propagate(lambda a: 2 * a, {"a": d.InputQuantity(3.0, 1.0)}).u == pytest.approx(2.0)
    cancelled = d.propagate(lambda a, b: a - b, dict.fromkeys("ab", d.InputQuantity(1.0, 0.1)), {("a", "b"): 1.0})
    assert cancelled.u == pytest.approx(0.0, abs=1e-9)
    # large numbers that cancel leave a variance that rounding alone makes negative
    large = {"a": 7661368.727868479, "b": 2625183.3548202747, "c": 7661368.727868479 + 2625183.3548202747}
    nothing = d.propagate(
        lambda a, b, c: a + b - c, {name: d.InputQuantity(0.0, u) for name, u in large.items()},
        {("a", "b"): 1.0, ("a", "c"): 1.0, ("b", "c"): 1.0},
    )  # fmt: skip
    assert nothing.u == pytest.approx(0.0, abs=1.0)


def test_correlations_that_cannot_be_are_refused() -> None:
    inputs = {name: d.InputQuantity(1.0, 0.1) for name in "abc"}

    def total(a, b, c):
        return a + b + c

    for wrong in ({("a", "x"): 0.5}, {("x", "a"): 0.5}, {("a", "a"): 0.5}, {("a", "b"): 1.1}, {("a", "b"): -1.1}):
        with pytest.raises(d.OutsideValidity, match="must name two inputs and lie in -1 to 1"):
            d.propagate(total, inputs, wrong)
    assert d.propagate(total, inputs, {("a", "b"): -1.0, ("a", "c"): 0.0}).u == pytest.approx(0.1)
    with pytest.raises(d.OutsideValidity, match="contradict each other"):
        d.propagate(total, inputs, {("a", "b"): -1.0, ("a", "c"): -1.0, ("b", "c"): -1.0})


def test_a_quantity_that_is_none_is_refused() -> None:
    for wrong in ((math.nan, 0.1), (1.0, -0.1), (1.0, math.nan), (1.0, math.inf), (1.0, 0.1, 0.9)):
        with pytest.raises(d.OutsideValidity, match="finite value, u of 0 or more"):
            d.InputQuantity(*wrong)
    assert d.InputQuantity(1.0, 0.0, 1).dof == 1
    with pytest.raises(d.OutsideValidity):
        d.propagate(lambda a: math.inf, {"a": d.InputQuantity(1.0, 0.0)})
