"""Rows of the budget by hand: backgrounds, standards, pairs, readings and leakage; and the rules for outliers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from test_what_counts import AIR, CHAMBER, one, osl, reader

from acquire import dosimetry as d
from acquire.dosimetry import outliers
from acquire.dosimetry.background import NetSignals

BLANKS = d.ZeroDoseReadings(0.3, 2, "blanks")


def signals(form: str, follows: float = 1.0, ks: tuple[float, float] = (0.5, 2.0)) -> NetSignals:
    """Gross 4 and 8, net 2 and 6."""
    factors = tuple(d.Factor(k, "1", u, "ECC", dof) for k, u, dof in ((ks[0], 1.0, 4.0), (ks[1], 2.0, 9.0)))
    return NetSignals((4.0, 8.0), (2.0, 6.0), factors, form, follows)  # type: ignore[arg-type]


def by_name(rows: list[d.Contribution]) -> dict[str, d.Contribution]:
    return {row.name: row for row in rows}


def test_rows_of_a_background_taken_off_after_the_sensitivity() -> None:
    background = d.BackgroundSignal(2.0, 0.1, "controls", 3.0, "run 1", BLANKS)
    own = d.Contribution("reading", 3.0, "site", "A", dof=5.0)
    rows = by_name(signals("after-sensitivity").rows("ecc", [own], background))
    assert list(rows) == ["ecc", "reading", "background", "blanks"]
    # each weighs its gross signal over twice the mean net of 4
    parts = (0.5 * 1.0, 1.0 * 2.0)
    assert rows["ecc"].u_percent == pytest.approx(math.hypot(*parts))
    assert rows["ecc"].dof == pytest.approx(math.hypot(*parts) ** 4 / (parts[0] ** 4 / 4 + parts[1] ** 4 / 9))
    assert rows["reading"].u_percent == pytest.approx(3.0 * math.hypot(0.5, 1.0))
    assert (rows["reading"].kind, rows["reading"].dof) == ("A", 5.0)
    assert rows["background"] == d.Contribution("background", 2.5, "controls", "A", -1.0, 3.0, "run 1")
    assert rows["blanks"].u_percent == pytest.approx(100 * 0.3 * math.sqrt(2) / 8)
    assert (rows["blanks"].kind, rows["blanks"].dof, rows["blanks"].source) == ("A", 1, "blanks")


def test_rows_of_a_background_taken_off_before_the_sensitivity() -> None:
    background = d.BackgroundSignal(2.0, 0.1, "certificate", each=BLANKS)
    rows = by_name(signals("before-sensitivity", follows=0.5).rows("ecc", [], background))
    assert rows["ecc"].u_percent == pytest.approx(0.5 * math.hypot(2 / 8 * 1.0, 6 / 8 * 2.0))
    assert (rows["background"].kind, rows["background"].sensitivity) == ("B", -1.0)
    assert rows["background"].u_percent == pytest.approx(100 * 0.1 * 0.5 * 1.25 / 4)  # mean sensitivity 1.25
    assert rows["blanks"].u_percent == pytest.approx(100 * 0.3 * 0.5 * math.hypot(0.5, 2.0) / 8)


def test_a_background_that_the_standards_had_taken_off_too_is_counted_once() -> None:
    background = d.BackgroundSignal(2.0, 0.1, "controls", 3.0)
    standards = d.StandardsMean(10.0, 0.5, 1.5, 4, "run 1")
    rows = by_name(signals("after-sensitivity", follows=0.5).rows("ecc", [], background, standards))
    # dose = net / standards: -1/4 of the net and +0.5/10 of the standards, half of each followed
    assert rows["background"].u_percent == pytest.approx(100 * 0.1 * 0.5 * (1 / 4 - 0.05))
    assert rows["standards"] == d.Contribution("standards", 1.5, "scatter of 4 standards", "A", -0.5, 3, "run 1")
    few = replace(standards, net=0.5)
    turned = by_name(signals("after-sensitivity").rows("ecc", [], background, few))["background"]
    assert (turned.u_percent, turned.sensitivity) == (pytest.approx(100 * 0.1 * (1.0 - 0.25)), 1.0)
    single = replace(standards, scatter_percent=None)
    assert "standards" not in by_name(signals("after-sensitivity").rows("ecc", [], background, single))


def test_backgrounds_and_standards_by_hand() -> None:
    two = d.background_of_session([1.0, 3.0], "C-1, C-2", "run 1")
    assert (two.value, two.u, two.source, two.dof, two.shared_key) == (2.0, pytest.approx(1.0), "C-1, C-2", 1, "run 1")
    assert d.background_of_session([0.5], "C-1").u == pytest.approx(0.1)
    assert d.background_of_session([0.5], "C-1").source == "C-1; one control, scatter assumed"
    blanks = d.background_of_session([1.0, 3.0, 2.0, 2.0], "C", None, BLANKS)
    assert (blanks.u, blanks.dof, blanks.each) == (0.15, 1, BLANKS)
    stated = d.stated_background(d.Factor(-2.0, "nC", 5.0, "certificate", 7.0, "key"), BLANKS)
    assert stated == d.BackgroundSignal(-2.0, 0.1, "certificate", 7.0, "key", BLANKS)
    after = d.mean_of_standards([1.0, 3.0], [0.5, 0.7], "after-sensitivity", "run 1")
    assert (after.net, after.per_background, after.n, after.shared_key) == (2.0, 1.0, 2, "run 1")
    assert after.scatter_percent == pytest.approx(50.0)
    assert d.mean_of_standards([1.0, 3.0], [0.5, 0.7], "before-sensitivity").per_background == pytest.approx(0.6)
    assert d.ZeroDoseReadings(0.0, 2, "blanks").n == 2
    assert d.BackgroundSignal(1.0, 0.0, "controls").u == 0.0
    for sd, n in ((-0.1, 5), (0.1, 1)):
        with pytest.raises(d.OutsideValidity, match="a standard deviation and at least two"):
            d.ZeroDoseReadings(sd, n, "blanks")
    with pytest.raises(d.OutsideValidity, match="must not be below 0"):
        d.BackgroundSignal(1.0, -0.1, "controls")
    with pytest.raises(d.MissingFactor, match="background without its source"):
        d.BackgroundSignal(1.0, 0.1, "")


@pytest.mark.parametrize("record", [BLANKS, d.StandardsMean(1.0, 1.0, 1.0, 2), signals("after-sensitivity")])
def test_what_signals_are_made_of_holds_no_nan(record) -> None:
    name = {"ZeroDoseReadings": "sd", "StandardsMean": "net", "NetSignals": "follows"}[type(record).__name__]
    with pytest.raises(d.OutsideValidity, match=f"{name} is nan"):
        replace(record, **{name: math.nan})


def test_a_linearity_that_follows_the_dose_weighs_on_the_coefficient_and_the_dots_alike() -> None:
    rows = by_name(list(osl(k_l_follows=-0.2).budget.rows))
    plain = by_name(list(osl().budget.rows))
    assert rows["n_dw"].sensitivity == pytest.approx(0.8)
    assert rows["k_s"].u_percent == pytest.approx(0.8 * plain["k_s"].u_percent)
    assert osl(k_l_follows=-0.2).inputs_hash != osl().inputs_hash


# --- pairs ---

APART = {"signals": (1.0e5, 1.2e5), "pair_rule": "both-with-spread"}


@pytest.mark.parametrize("dose", [osl, reader])
def test_a_pair_apart_keeps_its_spread_in_the_budget_and_says_so(dose) -> None:
    made = dose(**APART)
    spread = by_name(list(made.budget.rows))["spread of the pair"]
    assert spread.u_percent == pytest.approx(100 * 0.2 / 1.1 / 2 / math.sqrt(3))
    assert spread.source == "half the difference, rectangular"
    (said,) = made.warnings
    assert said == (
        "N-1 and N-2 differ by 18.2 %, above the pair limit of 5 %; the plan's pair rule 'both-with-spread' was"
        " applied."
    )


@pytest.mark.parametrize("dose", [osl, reader])
def test_the_named_one_of_a_pair_counts_alone(dose) -> None:
    first = dose(signals=(1.0e5, 1.2e5), pair_rule="named", pair_named="N-1")
    second = dose(signals=(1.0e5, 1.2e5), pair_rule="named", pair_named="N-2")
    assert second.value_gy == pytest.approx(1.2 * first.value_gy)
    assert first.warnings[0].endswith("the plan's pair rule 'named' was applied, N-1 counts.")
    both = dose(signals=(1.0e5, 1.2e5), pair_rule="both")
    assert both.value_gy == pytest.approx(1.1 * first.value_gy)
    assert "spread of the pair" not in by_name(list(both.budget.rows))
    assert len({each.inputs_hash for each in (first, second, both)}) == 3


@pytest.mark.parametrize("dose", [osl, reader])
def test_a_pair_inside_its_limit_or_one_alone_has_no_remark(dose) -> None:
    pair = dose(signals=(1.0e5, 1.02e5), pair_rule="both-with-spread")
    assert pair.warnings == ()
    assert pair.value_gy == pytest.approx(1.01 * dose(signals=(1.0e5,)).value_gy)
    three = dose(signals=(1.0e5, 1.02e5, 1.04e5), pair_rule="both")
    assert three.value_gy == pytest.approx(1.02 * dose(signals=(1.0e5,)).value_gy)
    with pytest.raises(d.Blocked, match=r"N-1 and N-2 and N-3 differ by 18\.2 %, above the pair limit of 5 %"):
        dose(signals=(1.0e5, 1.1e5, 1.2e5), pair_rule="both")
    with pytest.raises(d.Blocked, match="N-2 read no more than the background"):
        dose(signals=(1.0e5, 0.0), pair_rule="both")
    with pytest.raises(d.Blocked, match="N-1 read no more than the background"):
        dose(signals=(0.0,))


def test_a_pair_on_its_limit_is_no_pair_apart() -> None:
    counted = d.osl_dose(
        dots=[d.Dot("N-1", (3.0,), one(1.0)), d.Dot("N-2", (1.0,), one(1.0))],
        background=d.BackgroundSignal(0.0, 0.0, "none"), n_dw=one(1.0, "cGy/{counts}"),
        factors={k: one(1.0) for k in ("k_f", "k_l", "k_q", "k_theta")},
        form=d.ReaderForm(0.0, "growing", "after-sensitivity", "in-field"), pair_limit_percent=100.0,
        pair_rule="both-with-spread",
    )  # fmt: skip
    assert (counted.warnings, counted.value_gy) == ((), 0.02)
    d.osl_dose(
        dots=[d.Dot("N-1", (3.0,), one(1.0)), d.Dot("N-2", (1.0,), one(1.0))],
        background=d.BackgroundSignal(0.0, 0.0, "none"), n_dw=one(1.0, "cGy/{counts}"),
        factors={k: one(1.0) for k in ("k_f", "k_l", "k_q", "k_theta")},
        form=d.ReaderForm(0.0, "growing", "after-sensitivity", "in-field"), pair_limit_percent=100.0,
    )  # fmt: skip


# --- readings and leakage ---


def test_rows_of_readings_by_hand() -> None:
    charge = d.ReadCharge(-12.0, 10.0, 0.2, 4)
    (alone,) = d.reading_rows(charge, "repeats")
    assert alone == d.Contribution("repeats", 0.2, "scatter of 4 readings", "A", 1.0, 3)
    opposite, reduced = d.ReadCharge(4.0, 10.0, 0.4, 3), d.ReadCharge(-11.0, 20.0, 0.3, 2)
    rows = by_name(d.reading_rows(charge, "repeats", opposite=opposite, reduced=reduced, k_s_follows=0.5))
    assert {name: (row.sensitivity, row.u_percent, row.dof) for name, row in rows.items()} == {
        "repeats": (pytest.approx(0.75 + 0.5), 0.2, 3), "readings at the opposite polarity": (0.25, 0.4, 2),
        "readings at the lower voltage": (-0.5, 0.3, 1),
    }  # fmt: skip
    assert d.reading_rows(d.ReadCharge(-12.0), "repeats") == []


def test_a_leakage_common_to_all_readings_by_hand() -> None:
    charge, opposite = d.ReadCharge(-12.0, 10.0), d.ReadCharge(4.0, 10.0)
    fit = d.LeakageFit(0.003, 8.0)
    (alone,) = d.reading_rows(charge, "repeats", leakage=fit)
    assert alone.u_percent == pytest.approx(100 * 0.003 * 10 / 12)
    said = (alone.name, alone.source, alone.kind, alone.sensitivity, alone.dof)
    assert said == ("leakage", "fit of the beam-off readings", "A", 1.0, 8.0)
    (row,) = d.reading_rows(charge, "repeats", opposite=opposite, leakage=fit)
    assert row.u_percent == pytest.approx(100 * 0.003 * abs(0.75 * 10 / -12 + 0.25 * 10 / 4), abs=1e-12)
    (row,) = d.reading_rows(charge, "repeats", reduced=d.ReadCharge(-10.0, 40.0), k_s_follows=0.5, leakage=fit)
    assert row.u_percent == pytest.approx(100 * 0.003 * abs(1.5 * 10 / -12 + 0.5 * 40 / 10))
    assert d.reading_rows(d.ReadCharge(-12.0), "repeats", leakage=fit)[0].u_percent == 0.0
    with pytest.raises(d.OutsideValidity, match="no relative uncertainty"):
        d.ReadCharge(0.0, 10.0)


# --- outliers ---


def test_modified_z_by_hand() -> None:
    # median 3, deviations 2, 1, 0, 1, 5: MAD 1
    values = {"a": 1.0, "b": 2.0, "c": 3.0, "e": 4.0, "f": 8.0}
    rule = d.OutlierRule("modified-z", 3.3)
    assert d.outside(values, rule) == {"f": "z = 3.37 is above 3.3 (modified z-score above 3.3 (Iglewicz and Hoaglin))"}
    assert d.outside(values, d.OutlierRule("modified-z", 0.6745 * 5)) == {}
    assert set(d.outside(values, d.OutlierRule("modified-z", 1.0))) == {"a", "f"}
    with pytest.raises(d.OutsideValidity, match="needs values that differ"):
        d.outside({"a": 1.0, "b": 1.0, "c": 2.0}, rule)
    assert d.outside({"a": 1.0}, d.OutlierRule("none")) == {}


def test_grubbs_by_hand() -> None:
    values = {name: 1.0 + 0.01 * n for n, name in enumerate("abcdefgh")} | {"x": -5.0}
    found = d.outside(values, d.OutlierRule("grubbs", 0.05))
    assert list(found) == ["x"]
    mean = math.fsum(values.values()) / 9
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values.values()) / 8)
    limit = outliers.grubbs_limit(9, 0.05)
    assert limit == pytest.approx(2.215, abs=1e-3)  # Grubbs' table, two-sided 5 %, n = 9
    assert found["x"] == (
        f"G = {(mean + 5) / spread:.3f} of 9 values is above {limit:.3f}"
        " (Grubbs' test at a significance of 0.05, two-sided)"
    )
    assert d.outside({"a": 1.0, "b": 1.0, "c": 1.0}, d.OutlierRule("grubbs", 0.05)) == {}
    assert set(d.outside(values | {"y": 90.0}, d.OutlierRule("grubbs", 0.05))) == {"x", "y"}
    three = {"a": 1.0, "b": 1.0, "c": 2.0}  # G = 1.1547 of three values with two alike, the largest there is
    assert set(d.outside(three, d.OutlierRule("grubbs", 0.2))) == {"c"}


def test_a_rule_for_outliers_has_its_limit() -> None:
    assert str(d.OutlierRule("none")) == "no rule"
    assert str(d.OutlierRule("modified-z", 0.5)) == "modified z-score above 0.5 (Iglewicz and Hoaglin)"
    assert d.OutlierRule("grubbs", 0.2).limit == 0.2
    for name, limit, said in (
        ("grubbs", 0.0, "outside 0 to 0.2"), ("grubbs", 0.21, "outside 0 to 0.2"), ("modified-z", 0.0, "is above 0"),
        ("modified-z", -1.0, "is above 0"), ("grubbs", None, "need a limit"), ("none", 1.0, "none has no limit"),
        ("dixon", 1.0, "unknown: grubbs, modified-z, none"), ("modified-z", math.nan, "limit is nan"),
    ):  # fmt: skip
        with pytest.raises(d.OutsideValidity, match=said):
            d.OutlierRule(name, limit)
    for rule in (d.OutlierRule("grubbs", 0.05), d.OutlierRule("modified-z", 3.5)):
        with pytest.raises(d.OutsideValidity, match="needs at least 3 values; there are 2"):
            d.outside({"a": 1.0, "b": 2.0}, rule)


# --- a chamber's own edges that are left ---


def test_a_chamber_without_a_correction_for_volume_needs_none() -> None:
    factors = CHAMBER | {"k_vol": one(1.003)}
    assert d.chamber_dose_trs398(charge_nc=12.0, factors=factors, fff=True, **AIR).value_gy == pytest.approx(
        1.003 * d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER, **AIR).value_gy
    )
    with pytest.raises(d.OutsideValidity, match="has no place for k_vol"):
        d.chamber_dose_trs398(charge_nc=12.0, factors=factors, **AIR)
    with pytest.raises(
        d.OutsideValidity, match=r"k_q = 1\.21 \(.*\) lies outside 0\.8 to 1\.2: look for a mistyped digit\.$"
    ):
        d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {"k_q": one(1.21)}, **AIR)


def test_the_farthest_value_is_that_from_the_mean_and_not_the_largest() -> None:
    values = {name: 100.0 + n for n, name in enumerate("abcdefgh")} | {"x": 50.0}
    assert list(d.outside(values, d.OutlierRule("grubbs", 0.05))) == ["x"]


def test_a_reading_is_one_and_follows_nothing_unless_it_is_said() -> None:
    charge = d.ReadCharge(-12.0, 10.0, 0.2)
    assert charge.n == 1
    rows = by_name(d.reading_rows(replace(charge, n=4), "repeats", reduced=d.ReadCharge(-11.0, 20.0, 0.3, 2)))
    assert [row.sensitivity for row in rows.values()] == [1.0, 0.0]
