"""Element corrections and reader coefficients: by hand, by Monte Carlo, and each outlier rule against published limits.

The Monte Carlo draws whole calibrations from a truth and asks whether what came out scatters about it as the stated
uncertainty says: it knows nothing of the formulas.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from acquire.dosimetry import (
    Blank,
    Contribution,
    DosimetryError,
    OutlierRule,
    Repeatability,
    batch_corrections,
    blank_of,
    grubbs_limit,
    nets_of_standards,
    outside,
    reader_coefficient,
    scatter_of,
)
from acquire.dosimetry.element_calibration import NO_BLANK

NONE = OutlierRule("none")
SAME_TWICE = {key: [1.0, 1.0] for key in "ABC"}
STATED = Repeatability(1.0, 20.0, "repeat readings of the batch")


def test_a_correction_is_the_mean_over_the_elements_own_signal():
    signals = {"A": [10.0], "B": [8.0], "C": [12.0]}
    found = batch_corrections(signals, [NO_BLANK], "after-sensitivity", NONE, STATED)
    assert {n: c.value for n, c in found.corrections.items()} == pytest.approx({"A": 1.0, "B": 1.25, "C": 10 / 12})
    # u² = r² (1 - 2 s/n + Σs²/n²), with s = 1.0 and Σs² = 1 + 0.64 + 1.44
    assert found.corrections["A"].u_percent == pytest.approx(math.sqrt(1 - 2 / 3 + 3.08 / 9))
    assert found.corrections["A"].dof == pytest.approx(20.0)


def test_before_the_sensitivity_the_blank_is_taken_off_first_and_its_uncertainty_counts():
    blank = Blank(2.0, 0.1, 4)
    found = batch_corrections({"A": [12.0], "B": [10.0], "C": [14.0]}, [blank], "before-sensitivity", NONE, STATED)
    assert found.corrections["B"].value == pytest.approx(10 / 8)
    without = batch_corrections({"A": [10.0], "B": [8.0], "C": [12.0]}, [NO_BLANK], "after-sensitivity", NONE, STATED)
    more = found.corrections["B"].u_percent ** 2 - without.corrections["B"].u_percent ** 2
    assert math.sqrt(more) == pytest.approx(100 * 0.1 * (1 / 8 - 1 / 10))


def test_a_reader_that_drifts_between_cycles_changes_no_correction():
    once = {"A": [10.0, 10.0], "B": [8.0, 8.1], "C": [12.0, 11.9], "D": [9.0, 9.0]}
    drifted = {name: [a, 1.7 * b] for name, (a, b) in once.items()}
    one, other = (batch_corrections(s, [NO_BLANK] * 2, "after-sensitivity", NONE) for s in (once, drifted))
    for name, found in one.corrections.items():
        assert other.corrections[name].value == pytest.approx(found.value, rel=1e-12)
        assert other.corrections[name].u_percent == pytest.approx(found.u_percent, rel=1e-12)
    assert one.repeatability.dof == 3


@pytest.mark.parametrize("cycles", [2, 4])
def test_the_stated_uncertainty_of_a_correction_is_that_of_many_calibrations(cycles):
    """Relative error of each k against the truth, over 1500 simulated calibrations of 12 elements."""
    draw, n, sigma = np.random.default_rng(11), 12, 0.015
    truth = 1 + 0.05 * draw.standard_normal(n)
    k_true = truth.mean() / truth
    errors, stated, repeats = [], [], []
    for _ in range(1500):
        read = 100 * truth[:, None] * draw.uniform(0.9, 1.1, cycles) * (1 + sigma * draw.standard_normal((n, cycles)))
        found = batch_corrections({str(i): list(row) for i, row in enumerate(read)}, [NO_BLANK] * cycles,
                                  "after-sensitivity", NONE)  # fmt: skip
        errors.append([c.value for c in found.corrections.values()] / k_true - 1)
        stated.append(np.mean([c.u_percent**2 for c in found.corrections.values()]))
        repeats.append(found.repeatability.u_percent**2)
    assert 100 * np.std(errors) == pytest.approx(math.sqrt(np.mean(stated)), rel=0.03)
    assert math.sqrt(np.mean(repeats)) == pytest.approx(100 * sigma, rel=0.02)
    assert found.repeatability.dof == (n - 1) * (cycles - 1)


@pytest.mark.parametrize("form", ["after-sensitivity", "before-sensitivity"])
def test_the_stated_uncertainty_of_a_coefficient_is_that_of_many_calibrations(form):
    """Standards of unequal sensitivity with wrong corrections and blanks of a third of the signal."""
    draw, n, blanks, dose, sigma = np.random.default_rng(5), 5, 6, 50.0, 0.01
    errors, stated = [], []
    for _ in range(2500):
        s = 1 + 0.05 * draw.standard_normal(n)
        k = (1 / s) * (1 + 0.01 * draw.standard_normal(n))
        given = dose * (1 + 0.008 * draw.standard_normal())
        dark = 3.0 * (1 + 0.1 * draw.standard_normal(blanks))
        light = 0.2 * given * s * (1 + sigma * draw.standard_normal(n))
        read = light + 3.0 * (s if form == "after-sensitivity" else 1.0)
        blank = blank_of([float(x) for x in dark])
        nets, share = nets_of_standards({str(i): (float(read[i]), float(k[i])) for i in range(n)}, blank, form)
        row = Contribution("dose", 0.8, "beam")
        found = reader_coefficient([*nets.values()], blank, share, dose, row, scatter_of([*nets.values()]))
        errors.append(found.value / 0.2 - 1)
        stated.append(found.budget.u_percent**2)
    assert 100 * np.std(errors) == pytest.approx(math.sqrt(np.mean(stated)), rel=0.04)
    assert [r.name for r in found.budget.rows] == ["dose", "scatter of the standards", "background"]
    assert found.unit == "nC/cGy"
    assert 4 < found.budget.dof < math.inf


def test_an_osl_reader_has_cgy_per_count():
    row = Contribution("dose", 0.8, "beam")
    found = reader_coefficient([9.0, 11.0], NO_BLANK, 1.0, 50.0, row, row, per_signal=True, unit="{counts}")
    assert (found.value, found.unit) == (5.0, "cGy/{counts}")


# Grubbs' two-sided limits at 5 %, as in ISO 5725-2, table 5 ("upper 2.5 %"), recalled.
@pytest.mark.parametrize(("n", "limit"), [(3, 1.155), (5, 1.715), (10, 2.290), (20, 2.709), (30, 2.908)])
def test_the_limits_of_grubbs_are_the_published_ones(n, limit):
    assert grubbs_limit(n, 0.05) == pytest.approx(limit, abs=1e-3)  # tables round up


def test_one_value_far_off_is_named_with_its_rule_and_limit():
    values = {f"T-{i}": 1 + 0.01 * (i % 4) for i in range(12)} | {"T-99": 1.4}
    said = outside(values, OutlierRule("grubbs", 0.05))
    assert list(said) == ["T-99"]
    assert said["T-99"].startswith("G = 3.")
    assert "is above 2.4" in said["T-99"]
    assert said["T-99"].endswith("(Grubbs' test at a significance of 0.05, two-sided)")
    assert list(outside(values, OutlierRule("modified-z", 3.5))) == ["T-99"]
    assert outside(values, NONE) == {}


def test_grubbs_rarely_names_a_value_of_a_sound_batch():
    draw = np.random.default_rng(3)
    named = sum(bool(outside({str(i): float(x) for i, x in enumerate(draw.standard_normal(20))},
                             OutlierRule("grubbs", 0.05))) for _ in range(2000))  # fmt: skip
    assert named / 2000 == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: OutlierRule("grubbs"), "need a limit"),
        (lambda: OutlierRule("none", 3.0), "need a limit"),
        (lambda: OutlierRule("grubbs", 5.0), "5 % are written 0.05"),
        (lambda: OutlierRule("modified-z", 0.0), "above 0"),
        (lambda: OutlierRule("chauvenet", 1.0), "'chauvenet' is unknown: grubbs, modified-z, none"),
        (lambda: outside({"A": 1.0, "B": 2.0}, OutlierRule("grubbs", 0.05)), "needs at least 3 values; there are 2"),
        (lambda: outside(dict.fromkeys("ABCD", 1.0), OutlierRule("modified-z", 3.5)), "needs values that differ"),
        (lambda: blank_of([1.0]), "at least 2 blank elements"),
        (lambda: blank_of([1.0, -1.0]), "not negative"),
        (lambda: scatter_of([1.0]), "at least 2 of them"),
        (lambda: batch_corrections({"A": [1.0], "B": [1.0]}, [NO_BLANK], "after-sensitivity", NONE, STATED),
         "at least 3 elements that count; there are 2"),
        (lambda: batch_corrections({key: [1.0] for key in "ABC"}, [NO_BLANK], "after-sensitivity", NONE),
         "must be stated"),
        (lambda: batch_corrections(SAME_TWICE, [NO_BLANK] * 2, "after-sensitivity", NONE, STATED),
         "nothing is stated"),
        (lambda: batch_corrections({key: [math.nan] for key in "ABC"}, [NO_BLANK], "after-sensitivity", NONE, STATED),
         "finite number"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_one_sentence(make, says):
    with pytest.raises(DosimetryError, match=says):
        make()


def test_an_element_without_signal_above_its_blank_is_outside_whatever_the_rule():
    signals = {"A": [12.0], "B": [10.0], "C": [14.0], "dead": [1.9]}
    found = batch_corrections(signals, [Blank(2.0, 0.1, 4)], "before-sensitivity", NONE, STATED)
    assert found.outside == {"dead": "no signal above the blanks"}
    assert "dead" not in found.corrections
