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
    assert alone.u == pytest.approx(0.06)
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


# --- coefficients of standards ---


def standards(*values: tuple[float, float]) -> list[d.ElementSignal]:
    return [d.ElementSignal(f"S-{i}", q, one(ecc)) for i, (q, ecc) in enumerate(values)]


def test_a_readers_coefficient_with_the_background_after_and_before_the_sensitivity() -> None:
    made = standards((101.0, 0.9), (120.0, 1.25))
    # after: (90.9 + 150)/2 − 1 = 119.45; before: (100 · 0.9 + 119 · 1.25)/2 = 119.375
    assert d.rcf_of_standards(made, 1.0, 50.0) == pytest.approx(119.45 / 50)
    assert d.rcf_of_standards(made, 1.0, 50.0, "after-sensitivity") == pytest.approx(119.45 / 50)
    assert d.rcf_of_standards(made, 1.0, 50.0, "before-sensitivity") == pytest.approx(119.375 / 50)
    with pytest.raises(d.OutsideValidity, match="background form 'neither' is unknown"):
        d.rcf_of_standards(made, 1.0, 50.0, "neither")


def test_standards_that_cannot_be_give_no_coefficient() -> None:
    with pytest.raises(d.MissingFactor, match="standards of this reader session are missing"):
        d.rcf_of_standards([], 1.0, 50.0)
    for dose in (0.0, -1.0):
        with pytest.raises(d.OutsideValidity, match="it must be above 0"):
            d.rcf_of_standards(standards((101.0, 1.0)), 1.0, dose)
    for level in (101.0, 102.0):
        with pytest.raises(d.Blocked, match="no more than the controls"):
            d.rcf_of_standards(standards((101.0, 1.0)), level, 50.0)
    assert d.rcf_of_standards(standards((2.0, 1.0)), 1.0, 1.0) == pytest.approx(1.0)


def test_the_mean_of_standards_falls_with_the_background_by_its_form() -> None:
    after = d.mean_of_standards([90.0, 110.0], [0.9, 1.3], "after-sensitivity", "key")
    assert (after.net, after.per_background, after.n, after.shared_key) == (100.0, 1.0, 2, "key")
    assert after.scatter_percent == pytest.approx(10.0)
    assert d.mean_of_standards([100.0], [0.9], "before-sensitivity").per_background == 0.9
    assert d.mean_of_standards([90.0, 110.0], [0.9, 1.3], "before-sensitivity").per_background == pytest.approx(1.1)


def test_a_chips_dose_says_every_step_and_factor() -> None:
    background = d.BackgroundSignal(1.0, 0.0, "c")
    chips = [d.ElementSignal("T-1", 101.0, one(0.9)), d.ElementSignal("T-2", 99.0, one(0.95))]
    ks = {"k_f": one(1.01), "k_l": one(0.98), "k_q": one(0.96), "k_theta": one(1.02)}
    more = {"rcf": one(10.0, "nC/cGy", 1.0), "factors": ks, "pair_limit_percent": 10.0}
    dose = d.tld_dose(elements=chips, background=background, **more)
    mean = ((101 * 0.9 - 1) + (99 * 0.95 - 1)) / 2 / 10
    assert dose.value_gy == pytest.approx(mean * 1.01 * 0.98 * 0.96 * 1.02 / 100)
    assert [step.what for step in dose.steps] == ["D(T-1)", "D(T-2)", "D_w"]
    assert [step.numbers for step in dose.steps[:2]] == ["(101 × 0.9 − 1) / 10", "(99 × 0.95 − 1) / 10"]
    assert dose.steps[-1].formula == "mean D · k_f · k_l · k_q · k_theta"
    assert dose.steps[-1].numbers == "(8.99 + 9.305) / 2 × 1.01 × 0.98 × 0.96 × 1.02"
    assert [step.unit for step in dose.steps] == ["cGy"] * 3
    assert [name for name, _ in dose.factors] == ["rcf", "k_f", "k_l", "k_q", "k_theta"]
    rows = {row.name: row.sensitivity for row in dose.budget.rows}
    assert rows == {"rcf": -1.0, "ecc": 1.0, "background": -1.0, "k_f": 1.0, "k_l": 1.0, "k_q": 1.0, "k_theta": 1.0}
    before = d.tld_dose(elements=chips[:1], background=background, background_form="before-sensitivity", **more)
    assert before.steps[0].numbers == "((101 − 1) × 0.9) / 10"
    assert before.steps[-1].numbers.startswith("9 × 1.01")
    assert before.value_gy == pytest.approx(9.0 * 1.01 * 0.98 * 0.96 * 1.02 / 100)
    counts = d.tld_dose(elements=chips[:1], background=background, **more | {"rcf": one(10.0, "{counts}/cGy")})
    assert counts.value_gy == pytest.approx(8.99 * 1.01 * 0.98 * 0.96 * 1.02 / 100)


def test_a_linearity_that_follows_the_dose_takes_part_of_what_changes_it() -> None:
    rows = {r.name: r for r in low(d.background_of_session(CONTROLS, "c"), 40.0, k_l_follows=-0.1).budget.rows}
    assert rows["rcf"].sensitivity == pytest.approx(-0.9)
    gross = 1 + 0.3675 / 40
    assert rows["ecc"].part_percent == pytest.approx(0.9 * gross)
    assert rows["reading"].part_percent == pytest.approx(0.9 * 2.0 * gross)
    assert rows["k_q"].sensitivity == 1.0


def test_what_is_no_chip_or_coefficient_is_refused() -> None:
    background = d.BackgroundSignal(1.0, 0.0, "c")
    chip, ks = d.ElementSignal("T-1", 101.0, one(0.9)), {"k_f": one(1.0), "k_l": one(1.0), "k_q": one(1.0)}
    good = {"elements": [chip], "background": background, "rcf": one(10.0, "nC/cGy"), "factors": ks,
            "pair_limit_percent": 5.0}  # fmt: skip
    for wrong, error, said in (
        ({"rcf": one(10.0, "nC/Gy")}, d.OutsideValidity, "not in nC/Gy"),
        ({"rcf": one(0.0, "nC/cGy")}, d.OutsideValidity, "^rcf = 0 .*must be above 0"),
        ({"factors": ks | {"k_q": one(9.6)}}, d.OutsideValidity, "outside 0.65 to 1.15".replace(".", "[.]")),
        ({"elements": []}, d.MissingFactor, "No element of this point"),
        ({"factors": {"k_f": one(1.0), "k_l": one(1.0)}}, d.MissingFactor, "needs k_q"),
        ({"factors": ks | {"k_x": one(1.0)}}, d.OutsideValidity, "no place for k_x; it uses k_f, k_l, k_q, k_theta"),
    ):
        with pytest.raises(error, match=said):
            d.tld_dose(**good | wrong)
    with pytest.raises(d.OutsideValidity, match="signal is nan"):
        d.ElementSignal("T-1", math.nan, one(1.0))
    weighed = d.tld_dose(**good | {"elements": [d.ElementSignal("T-1", 101.0, one(0.8, u=1.0))]})
    # 80.8 of 79.8
    assert next(r.part_percent for r in weighed.budget.rows if r.name == "ecc") == pytest.approx(80.8 / 79.8)
    other_unit = d.Factor(1.0, "cGy", 0.0, "x")
    with pytest.raises(d.OutsideValidity, match="needs k_q in 1"):
        d.tld_dose(**good | {"factors": ks | {"k_q": other_unit}})
