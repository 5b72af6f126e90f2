"""A background of the size of the signal: its uncertainty counts in full, and whatever weighs on the gross signal too.

The figures in percent are those of GTC for the same readings (test_gum_calculator has the general case).
"""

from __future__ import annotations

import math

import pytest
from test_what_counts import one, reader

from acquire import dosimetry as d

CONTROLS = (0.35, 0.41, 0.33, 0.38)
KS = {"k_f": one(1.0, u=0.3), "k_l": one(1.0, u=0.5), "k_q": one(0.96, u=3.0)}


def low(background: d.BackgroundSignal, net: float, **more) -> d.Dose:
    chip = d.ElementSignal("T-1", background.value + net, one(1.0, u=1.0))
    return d.tld_dose(
        elements=[chip], background=background, rcf=one(12.8, "nC/cGy", 1.5), factors=KS, pair_limit_percent=5.0,
        components=[d.Contribution("place", 3.0, "x")], per_element=[d.Contribution("reading", 2.0, "x")], **more,
    )  # fmt: skip


def test_a_tenth_of_a_nanocoulomb_over_controls_of_0_37() -> None:
    dose = low(d.background_of_session(CONTROLS, "controls"), 0.1)
    assert dose.budget.u_percent == pytest.approx(20.9, abs=0.05)
    assert dose.budget.dof == pytest.approx(6.1, abs=0.05)
    assert low(d.background_of_session(CONTROLS, "controls"), 40.0).budget.u_percent == pytest.approx(5.06, abs=0.02)


def test_half_of_a_readers_background_is_half_of_a_net_signal_as_large() -> None:
    stated = d.stated_background(d.Factor(0.37, "nC", 50.0, "certificate", shared_key="cal-1"))
    dose = low(stated, 0.37)
    row = next(row for row in dose.budget.rows if row.name == "background")
    assert (row.part_percent, row.shared_key, row.kind) == (pytest.approx(50.0), "cal-1", "B")
    assert dose.budget.u_percent == pytest.approx(50.4, abs=0.05)
    control = d.BackgroundSignal(1000.0, 500.0, "stated")
    with_control = d.reader_form_dose(
        counts=[("N-1", 2.0e4, one(1.0))], control=control, reader_factor=one(10.0, "{counts}/mRAD", 1.0),
        factors={"k_f": one(1.0), "k_q": one(1.0)}, position="in-field", pair_limit_percent=5.0,
    )  # fmt: skip
    # the factor stands in the gross dose alone: 1 % of 2000 mrad is 2 % of the 1000 that are left
    assert with_control.budget.u_percent == pytest.approx(math.hypot(50.0, 2.0))


def test_a_control_read_with_the_same_factor_leaves_it_its_own_percent() -> None:
    rows = {row.name: row for row in reader(control=900.0, control_by_factor=True, signals=(2e4, 2e4)).budget.rows}
    assert rows["reader_factor"].sensitivity == -1.0
    apart = {row.name: row for row in reader(control=900.0, signals=(2e4, 2e4)).budget.rows}
    assert apart["reader_factor"].sensitivity == pytest.approx(-2000 / 1100)


def test_a_single_control_says_nothing_of_its_scatter() -> None:
    alone = d.background_of_session([0.3], "C-1")
    assert alone.u == pytest.approx(0.15 / math.sqrt(3))
    assert "assumed" in alone.source
    stated = d.background_of_session([0.3], "C-1", blanks=d.ZeroDoseReadings(0.06, 12, "blanks"))
    assert (stated.u, stated.dof) == (0.06, 11)
    assert d.background_of_session([0.3, 0.3], "C-1, C-2").u == 0.0


@pytest.mark.parametrize(("form", "sign"), [("after-sensitivity", 1.0), ("before-sensitivity", 0.9)])
def test_blanks_scatter_in_every_element_and_in_the_mean_of_the_controls(form: str, sign: float) -> None:
    blanks = d.ZeroDoseReadings(0.06, 12, "blanks")
    background = d.background_of_session([0.4] * 4, "controls", "session", blanks)
    chips = [d.ElementSignal(name, 1.4, one(0.9)) for name in ("T-1", "T-2")]
    dose = d.tld_dose(
        elements=chips, background=background, rcf=one(1.0, "nC/cGy"), factors=KS, pair_limit_percent=5.0,
        background_form=form,
    )  # fmt: skip
    net = 1.4 * 0.9 - 0.4 if form == "after-sensitivity" else 0.9
    rows = {row.name: row for row in dose.budget.rows}
    assert rows["background"].part_percent == pytest.approx(100 * 0.06 / 2 * sign / net)
    assert rows["blanks"].part_percent == pytest.approx(100 * 0.06 / math.sqrt(2) * sign / net)
    assert (rows["blanks"].dof, rows["blanks"].shared_key, rows["background"].shared_key) == (11, None, "session")


def test_a_background_that_standards_and_element_have_alike_cancels() -> None:
    background = d.background_of_session(CONTROLS, "controls")
    for form, ecc in (("after-sensitivity", 1.0), ("before-sensitivity", 1.0)):
        standards = d.mean_of_standards([0.1, 0.1], [ecc, ecc], form)
        rows = {row.name: row for row in low(background, 0.1, standards=standards, background_form=form).budget.rows}
        assert rows["background"].part_percent == pytest.approx(0.0, abs=1e-9)
        assert rows["standards"].part_percent == 0.0


def test_the_scatter_of_the_standards_is_in_the_budget() -> None:
    standards = d.mean_of_standards([640.0, 512.0, 640.0], [1.0] * 3, "after-sensitivity", "session")
    rows = {row.name: row for row in low(d.background_of_session(CONTROLS, "c"), 40.0, standards=standards).budget.rows}
    # s = 73.9, of the mean 42.7 in 597.3
    assert rows["standards"].part_percent == pytest.approx(100 * 128 / 3 / (1792 / 3))
    assert (rows["standards"].dof, rows["standards"].kind, rows["standards"].sensitivity) == (2, "A", -1.0)
    one_standard = d.mean_of_standards([640.0], [1.0], "after-sensitivity")
    rows_of_one = low(d.background_of_session(CONTROLS, "c"), 40.0, standards=one_standard).budget.rows
    assert "standards" not in {row.name for row in rows_of_one}


def test_what_is_no_background_is_refused() -> None:
    with pytest.raises(d.OutsideValidity, match="must not be below 0"):
        d.BackgroundSignal(0.3, -0.1, "controls")
    with pytest.raises(d.MissingFactor, match="without its source"):
        d.BackgroundSignal(0.3, 0.1, "")
    with pytest.raises(d.OutsideValidity, match="at least two"):
        d.ZeroDoseReadings(0.1, 1, "blanks")
    with pytest.raises(d.MissingFactor, match="control elements"):
        d.background_of_session([], "controls")


def test_the_leakage_has_one_sign_for_readings_of_two() -> None:
    m, o = d.ReadCharge(12.0, 60.0, 0.1, 3), d.ReadCharge(-12.0, 60.0, 0.1, 3)
    rows = d.reading_rows(m, "reading", opposite=o, leakage=d.LeakageFit(0.001, 5))
    assert [row.name for row in rows] == ["reading", "readings at the opposite polarity", "leakage"]
    assert rows[0].part_percent == pytest.approx(0.05)
    assert rows[-1].part_percent == pytest.approx(0.0, abs=1e-12)  # k_pol takes it off the one and adds it to the other
    assert d.reading_rows(m, "reading", leakage=d.LeakageFit(0.001, 5))[-1].part_percent == pytest.approx(0.5)
    assert d.reading_rows(d.ReadCharge(12.0), "reading") == []
    with pytest.raises(d.OutsideValidity, match="zero"):
        d.ReadCharge(0.0)
