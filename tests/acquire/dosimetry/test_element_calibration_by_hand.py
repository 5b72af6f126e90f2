"""Element corrections and a reader's coefficient with a pocket calculator, with uncertainties."""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import element_calibration as calibration
from acquire.dosimetry.element_calibration import NO_BLANK, Blank, Repeatability
from acquire.dosimetry.outliers import OutlierRule

NONE = OutlierRule("none")
STATED = Repeatability(2.0, 8.0, "repeat readings")
ROW = d.Contribution("dose", 1.0, "laboratory")
SCATTER = d.Contribution("scatter", 2.0, "3 standards", "A", dof=2)


def test_a_blank_is_the_mean_of_two_or_more_with_its_scatter() -> None:
    assert calibration.blank_of([1.0, 3.0]) == Blank(2.0, 1.0, 1)
    assert calibration.blank_of([0.0, 0.0, 0.0]) == Blank(0.0, 0.0, 2)
    with pytest.raises(d.MissingFactor, match="at least 2 blank elements in each cycle; there are 1"):
        calibration.blank_of([1.0])
    with pytest.raises(d.OutsideValidity, match=r"A blank element reads -0\.1"):
        calibration.blank_of([1.0, -0.1])


def test_one_cycle_of_four_elements_by_hand() -> None:
    signals = {"a": [1.0], "b": [2.0], "c": [2.0], "e": [3.0]}
    found = calibration.batch_corrections(signals, [Blank(0.5, 0.1, 3.0)], "after-sensitivity", NONE, STATED)
    assert {name: each.value for name, each in found.corrections.items()} == {
        "a": 2.0, "b": 1.0, "c": 1.0, "e": pytest.approx(2 / 3),
    }  # fmt: skip
    assert found.repeatability is STATED
    assert found.outside == {}
    # share of a readout in its own correction: 1 - 2 s/n + sum(s²)/n²
    for name, s in (("a", 0.5), ("b", 1.0), ("e", 1.5)):
        each = found.corrections[name]
        assert each.u_percent == pytest.approx(2.0 * math.sqrt(1 - 2 * s / 4 + (0.25 + 1 + 1 + 2.25) / 16))
        assert (each.dof, each.scatter_percent) == (pytest.approx(8.0), None)
    assert found.common == (found.corrections["a"].u_percent, pytest.approx(8.0))


def test_a_blank_taken_off_before_the_sensitivity_weighs_on_each_element() -> None:
    signals = {"a": [1.5], "b": [2.5], "c": [2.5], "e": [3.5]}
    blank = Blank(0.5, 0.1, 3.0)
    found = calibration.batch_corrections(signals, [blank], "before-sensitivity", NONE, STATED)
    assert [each.value for each in found.corrections.values()] == pytest.approx([2.0, 1.0, 1.0, 2 / 3])
    own = 2.0 * math.sqrt(1 - 0.25 + 4.5 / 16)
    common = 100 * 0.1 * (1 / 1.0 - 1 / 2.0)
    a = found.corrections["a"]
    assert a.u_percent == pytest.approx(math.hypot(own, common))
    assert a.dof == pytest.approx(math.hypot(own, common) ** 4 / (own**4 / 8 + common**4 / 3))
    b = found.corrections["b"]  # it reads the mean: the blank changes it as it changes the mean
    assert b.u_percent == pytest.approx(2.0 * math.sqrt(1 - 0.5 + 4.5 / 16))


def test_two_cycles_show_how_a_readout_repeats() -> None:
    signals = {"a": [1.0, 1.1], "b": [2.0, 1.9], "c": [3.0, 3.0]}
    found = calibration.batch_corrections(signals, [NO_BLANK, NO_BLANK], "after-sensitivity", NONE)
    relative = {name: [row[0] / 2.0, row[1] / 2.0] for name, row in signals.items()}
    means = {name: sum(row) / 2 for name, row in relative.items()}
    squares = sum((x / means[name] - 1) ** 2 for name, row in relative.items() for x in row)
    assert found.repeatability.dof == 2
    assert found.repeatability.u_percent == pytest.approx(100 * math.sqrt(squares / 2))
    assert found.repeatability.source == "3 elements in 2 cycles"
    a = found.corrections["a"]
    assert a.value == pytest.approx(1 / 0.525)
    assert a.scatter_percent == pytest.approx(100 * 0.05 / math.sqrt(2) / 0.525)
    share = 1 - 2 * 0.525 / 3 + sum(m * m for m in means.values()) / 9
    assert a.u_percent == pytest.approx(found.repeatability.u_percent * math.sqrt(share / 2))


def test_a_reader_that_drifts_and_another_dose_change_no_correction() -> None:
    signals = {"a": [1.0, 7.7], "b": [2.0, 15.4], "c": [3.0, 23.1]}
    found = calibration.batch_corrections(signals, [NO_BLANK] * 2, "after-sensitivity", NONE)
    assert [each.value for each in found.corrections.values()] == pytest.approx([2.0, 1.0, 2 / 3])
    assert found.repeatability.u_percent == pytest.approx(0.0, abs=1e-9)


def test_each_cycles_blank_is_taken_off_in_its_cycle() -> None:
    signals = {"a": [1.5, 1.25], "b": [2.5, 2.25], "c": [3.5, 3.25]}
    blanks = [Blank(0.5, 0.2, 3.0), Blank(0.25, 0.1, 3.0)]
    found = calibration.batch_corrections(signals, blanks, "before-sensitivity", NONE)
    assert [each.value for each in found.corrections.values()] == pytest.approx([2.0, 1.0, 2 / 3])
    a = found.corrections["a"]
    assert a.u_percent == pytest.approx(math.hypot(100 * 0.2 * 0.5 / 2, 100 * 0.1 * 0.5 / 2))


def test_an_element_without_light_or_outside_the_others_is_left_out() -> None:
    signals = {"a": [1.0], "b": [1.0], "c": [1.0], "dark": [0.5], "x": [9.0], "e": [1.02], "f": [0.98], "g": [1.01]}
    rule = OutlierRule("grubbs", 0.05)
    found = calibration.batch_corrections(signals, [Blank(0.5, 0.0, 1.0)], "before-sensitivity", rule, STATED)
    assert list(found.corrections) == ["a", "b", "c", "e", "f", "g"]
    assert found.outside["dark"] == "no signal above the blanks"
    assert found.outside["x"].startswith("G = ")
    assert list(found.outside) == ["dark", "x"]
    few = {"a": [1.0], "b": [1.0], "dark": [0.4]}
    with pytest.raises(d.OutsideValidity, match="at least 3 elements that count; there are 2; dark: no signal above"):
        calibration.batch_corrections(few, [Blank(0.5, 0.0, 1.0)], "before-sensitivity", NONE, STATED)
    with pytest.raises(d.OutsideValidity, match="there are 0; a: no signal"):
        calibration.batch_corrections({"a": [0.0]}, [NO_BLANK], "after-sensitivity", NONE, STATED)
    three = {"a": [0.5], "b": [1.0], "c": [1.5]}
    assert len(calibration.batch_corrections(three, [NO_BLANK], "after-sensitivity", NONE, STATED).corrections) == 3


def test_the_repeatability_is_stated_for_one_cycle_and_shown_by_several() -> None:
    one, two = {key: [1.0] for key in "abc"}, {key: [1.0, 1.0] for key in "abc"}
    with pytest.raises(d.MissingFactor, match="With one cycle the repeatability"):
        calibration.batch_corrections(one, [NO_BLANK], "after-sensitivity", NONE)
    with pytest.raises(d.MissingFactor, match="With one cycle the repeatability"):
        calibration.batch_corrections(two, [NO_BLANK] * 2, "after-sensitivity", NONE, STATED)
    for signals, blanks in ((two, [NO_BLANK]), ({**one, "e": [1.0, 1.0]}, [NO_BLANK])):
        with pytest.raises(ValueError, match="zip"):
            calibration.batch_corrections(signals, blanks, "before-sensitivity", NONE, STATED)


def test_a_readers_coefficient_by_hand() -> None:
    blank = Blank(0.2, 0.1, 4.0)
    rcf = calibration.reader_coefficient([3.0, 5.0], blank, 0.5, 0.5, ROW, SCATTER)
    assert (rcf.value, rcf.unit, rcf.numbers, rcf.source) == (
        8.0,
        "nC/cGy",
        "4 / 0.5",
        "AAPM TG-191, k_s,i = mean(M)/M_i",
    )
    assert [row.name for row in rcf.budget.rows] == ["dose", "scatter", "background"]
    background = rcf.budget.rows[2]
    assert (background.u_percent, background.kind, background.dof) == (pytest.approx(100 * 0.1 * 0.5 / 4), "A", 4.0)
    assert background.source == "blanks"
    n_dw = calibration.reader_coefficient(
        [3.0, 5.0], NO_BLANK, 1.0, 0.5, ROW, SCATTER, per_signal=True, unit="{counts}"
    )
    assert (n_dw.value, n_dw.unit, n_dw.numbers) == (0.125, "cGy/{counts}", "0.5 / 4")
    assert [row.name for row in n_dw.budget.rows] == ["dose", "scatter"]
    assert calibration.reader_coefficient([0.5], NO_BLANK, 1.0, 1.0, ROW, SCATTER).value == 0.5
    for nets, dose_cgy in (([1.0], 0.0), ([0.0], 1.0), ([1.0], -1.0), ([-1.0], 1.0)):
        with pytest.raises(d.OutsideValidity, match="needs a dose and a net signal above 0"):
            calibration.reader_coefficient(nets, NO_BLANK, 1.0, dose_cgy, ROW, SCATTER)


def test_net_signals_of_standards_and_their_scatter_by_hand() -> None:
    signals = {"s": (4.0, 0.5), "t": (6.0, 1.5)}
    blank = Blank(1.0, 0.1, 4.0)
    assert calibration.nets_of_standards(signals, blank, "after-sensitivity") == ({"s": 1.0, "t": 8.0}, 1.0)
    assert calibration.nets_of_standards(signals, blank, "before-sensitivity") == ({"s": 1.5, "t": 7.5}, 1.0)
    other = {"s": (4.0, 0.5), "t": (6.0, 0.7)}
    assert calibration.nets_of_standards(other, blank, "before-sensitivity")[1] == pytest.approx(0.6)
    assert calibration.nets_of_standards(other, blank, "after-sensitivity")[1] == 1.0
    row = calibration.scatter_of([1.0, 3.0])
    assert (row.name, row.source, row.kind, row.dof) == ("scatter of the standards", "2 standards", "A", 1)
    assert row.u_percent == pytest.approx(50.0)
    assert calibration.scatter_of([-1.0, -3.0]).u_percent == pytest.approx(50.0)
    with pytest.raises(d.MissingFactor, match="at least 2 of them; there are 1"):
        calibration.scatter_of([1.0])


@pytest.mark.parametrize("record", [Blank, Repeatability, calibration.Correction])
def test_no_record_of_a_calibration_holds_nan(record) -> None:
    rest = {Blank: (1.0, 1.0), Repeatability: (1.0, "site"), calibration.Correction: (1.0, 1.0, None)}[record]
    with pytest.raises(d.OutsideValidity, match="is nan"):
        record(math.nan, *rest)


def test_three_cycles_have_twice_as_many_degrees_of_freedom() -> None:
    signals = {"a": [1.0, 1.1, 1.0], "b": [2.0, 1.9, 2.0], "c": [3.0, 3.0, 3.0]}
    found = calibration.batch_corrections(signals, [NO_BLANK] * 3, "after-sensitivity", NONE)
    assert (found.repeatability.dof, found.repeatability.source) == (4, "3 elements in 3 cycles")


def test_every_element_that_does_not_count_is_named_where_too_few_are_left() -> None:
    few = {"a": [1.0], "b": [1.0], "p": [0.4], "q": [0.3]}
    with pytest.raises(d.OutsideValidity) as refused:
        calibration.batch_corrections(few, [Blank(0.5, 0.0, 1.0)], "before-sensitivity", NONE, STATED)
    assert str(refused.value) == (
        "Element corrections need at least 3 elements that count; there are 2; p: no signal above the blanks; q: no"
        " signal above the blanks."
    )
