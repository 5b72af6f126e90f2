"""The tables of what is believed, one by one: both ends of each range count, and what lies just beyond does not.

The numbers stand here a second time, written from the same publications, so that a digit that slips in one place shows.
"""

from __future__ import annotations

import math

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import formalism
from acquire.dosimetry.believed import DEPLETION, SITES_OWN, SLOPE_PER_GY, Believed
from acquire.dosimetry.dose import inputs_hash
from acquire.dosimetry.kq_trs398_rev1 import k_q_rev1

DIODE = ("cf_ssd", "cf_fs", "cf_wedge", "cf_tray", "cf_angle", "cf_dose_rate", "cf_energy", "cf_backscatter")
RANGES = {
    ("chamber", "k_q"): (0.86, 1.02), ("chamber", "k_elec"): (0.98, 1.02), ("chamber", "k_vol"): (1.0, 1.05),
    **{("diode", name): (0.8, 1.25) for name in DIODE},
    ("tld", "k_f"): (0.8, 1.3),
    ("tld", "k_l"): (0.7, 1.1), ("tld", "k_q"): (0.65, 1.15), ("tld", "k_theta"): (0.9, 1.1),
    ("osl", "k_f"): (0.9, 1.1),
    ("osl", "k_l"): (0.7, 1.1), ("osl", "k_q"): (0.3, 1.15), ("osl", "k_q_out"): (0.6, 1.15),
    ("osl", "k_theta"): (0.95, 1.1), ("mosfet", "cf"): (0.2, 5.0), ("mosfet", "cf_energy"): (0.5, 1.3),
    ("mosfet", "cf_angle"): (0.9, 1.1), ("midline", "f_mid"): (0.5, 1.5),
}  # fmt: skip


def one(value: float, unit: str = "1") -> d.Factor:
    return d.Factor(value, unit, 0.0, "certificate 7")


def test_no_range_is_left_out_here() -> None:
    assert set(RANGES) == set(d.PUBLISHED)


@pytest.mark.parametrize(("kind", "name"), RANGES)
def test_both_ends_of_a_published_range_are_believed(kind, name) -> None:
    low, high = RANGES[kind, name]
    assert [d.believed(kind, name, one(x)).value for x in (low, high)] == [low, high]
    for beyond in (low * 0.999, high * 1.001):
        with pytest.raises(d.OutsideValidity, match=rf"{name} = .* \(Published: .+\.\)$"):
            d.believed(kind, name, one(beyond))


def test_each_formula_asks_for_the_ranges_of_its_own_kind() -> None:
    """The value lies in the range of every other kind, or has none there."""
    none = d.BackgroundSignal(0.0, 0.0, "none")
    with pytest.raises(d.OutsideValidity, match=r"k_f = 1\.2 .*nanoDot"):
        d.reader_form_dose(
            counts=[("N-1", 1e5, one(1.0))], control=none, reader_factor=one(10.0, "{counts}/mRAD"),
            factors={"k_f": one(1.2), "k_q": one(1.0)}, position="in-field", pair_limit_percent=5.0,
        )  # fmt: skip
    sensor = {"cf": one(1.0, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}
    for name, value in (("cf", 5.1), ("cf_angle", 1.2), ("cf_energy", 1.4)):
        with pytest.raises(d.OutsideValidity, match=f"^{name} = "):
            d.mosfet_dose(before_mv=1000.0, after_mv=1100.0, factors=sensor | {name: one(value, sensor[name].unit)})
    for when, mv in (("before", (99.0, 1100.0)), ("after", (1000.0, 30_001.0))):
        with pytest.raises(d.OutsideValidity, match=f"^The threshold {when} irradiation is"):
            d.mosfet_dose(before_mv=mv[0], after_mv=mv[1], factors=sensor)


def test_a_threshold_in_volts_is_told_from_one_that_is_none() -> None:
    for mv in (30.0, 0.5):
        with pytest.raises(d.OutsideValidity, match=f"it looks like {mv:g} V"):
            d.believed_threshold(mv, "it")
    for mv in (0.0, 31.0, -5.0, 99.0):
        with pytest.raises(d.OutsideValidity, match=r"to 30000 mV\.$"):
            d.believed_threshold(mv, "it")


def test_the_other_ranges_that_are_published() -> None:
    assert (DEPLETION.low, DEPLETION.high) == (0.0, 0.02)
    assert (SLOPE_PER_GY.low, SLOPE_PER_GY.high) == (-0.1, 0.1)
    with pytest.raises(d.OutsideValidity, match="low is nan"):
        Believed(math.nan, 1.0, "x")


def test_a_sites_range_and_a_fraction_on_their_edges() -> None:
    d.sites_range(0.1, 0.3)
    d.sites_range(0.5, 0.6)
    d.in_sites_range(4.0, (2.5, 4.0), "N_cal")
    for value in (2.49, 4.01):
        with pytest.raises(d.OutsideValidity, match="that the site believes"):
            d.in_sites_range(value, (2.5, 4.0), "N_cal")
    d.fraction_dose(2.5, 0.5)
    with pytest.raises(d.OutsideValidity, match=r"5\.2 times the 0\.5 Gy prescribed"):
        d.fraction_dose(2.6, 0.5)


# --- beam quality of nominal energies, and chamber types ---

TPR = {
    "4": (0.58, 0.66),
    "6": (0.61, 0.70),
    "8": (0.66, 0.73),
    "10": (0.68, 0.76),
    "15": (0.73, 0.79),
    "18": (0.75, 0.81),
}
PDD = {
    "4": (60.0, 65.5),
    "6": (61.5, 70.0),
    "8": (66.0, 73.0),
    "10": (69.0, 76.0),
    "15": (74.0, 80.0),
    "18": (76.0, 84.0),
}
UNKNOWN = "ACME 7"  # no table holds it, so that its k_Q is not calculated again


def factor(protocol: str, chamber: str = UNKNOWN, value: float = 0.99, **quality: float) -> d.QualityFactor:
    return d.QualityFactor(value, "table", protocol, chamber, **quality)


@pytest.mark.parametrize(("protocol", "name", "table"), [("trs398", "tpr20_10", TPR), ("tg51", "pdd10x", PDD)])
@pytest.mark.parametrize("energy", TPR)
def test_a_nominal_energy_holds_its_qualities_and_no_others(protocol, name, table, energy) -> None:
    low, high = table[energy]
    for quality in (low, high):
        formalism.fits(factor(protocol, **{name: quality}), protocol, UNKNOWN, f"{energy} MV", "Co-60")
        formalism.fits(factor(protocol, **{name: quality}), protocol, UNKNOWN, f" {energy}.0MV FFF", "Co-60")
    for quality in (low * 0.999, high * 1.001):
        for beam in (f"{energy} MV", f" {energy}.0MV FFF"):
            with pytest.raises(d.Blocked, match=f"a {beam} beam has {low:g} to {high:g}"):
                formalism.fits(factor(protocol, **{name: quality}), protocol, UNKNOWN, beam, "Co-60")


def test_a_beam_that_is_no_nominal_one_is_not_held_against_the_table() -> None:
    for beam in ("6 MVX", "7 MV", "Co-60"):
        formalism.fits(factor("trs398", tpr20_10=0.9), "trs398", UNKNOWN, beam, "Co-60")
    with pytest.raises(d.Blocked, match=r"stated for one R50 \(r50_cm\); here it has TPR20,10 and R50"):
        formalism.fits(factor("trs398", tpr20_10=0.6, r50_cm=4.0), "trs398", UNKNOWN, "9 MeV", "Co-60")
    with pytest.raises(d.Blocked, match="here it has no beam quality"):
        formalism.fits(factor("trs398"), "trs398", UNKNOWN, "6 MV", "Co-60")


@pytest.mark.parametrize(
    ("told", "owned"),
    [
        ("PTW 30013", "30013"), ("Exradin A12", "A12"), ("IBA CC13", "CC13"), ("NE 2571", "2571"),
        ("Capintec PR-06C", "PR06C"), ("PR 06 C", "PR06C"), ("PTW, Type 30013", "30013"),
        ("PTW Semiflex 31010", "31010"),
        ("PTW Farmer 30013", "30013"), ("Roos", "ROOS"),
    ],
)  # fmt: skip
def test_a_chamber_type_is_the_same_with_and_without_its_maker(told: str, owned: str) -> None:
    beam = {"formalism": "trs398", "r50_cm": 4.0}
    formalism.fits(d.QualityFactor(0.9, "table", chamber=told, **beam), "trs398", owned, "9 MeV", "Co-60")
    with pytest.raises(d.Blocked, match="the inventory says that it is a"):
        formalism.fits(d.QualityFactor(0.9, "table", chamber=told, **beam), "trs398", owned + "X", "9 MeV", "Co-60")


def test_a_stated_k_q_may_differ_from_the_table_by_two_roundings() -> None:
    right = k_q_rev1("PTW 30013", 0.668)
    for off in (0.00099, -0.00099):
        stated = factor("trs398", "PTW 30013", right + off, tpr20_10=0.668)
        formalism.fits(stated, "trs398", "30013", "6 MV", "Co-60")
    for off in (0.00101, -0.00101):
        stated = factor("trs398", "PTW 30013", right + off, tpr20_10=0.668)
        with pytest.raises(d.Blocked, match=r"for TPR20,10 = 0\.668 it is"):
            formalism.fits(stated, "trs398", "30013", "6 MV", "Co-60")


def test_a_quality_factor_holds_no_nan() -> None:
    with pytest.raises(d.OutsideValidity, match="value is nan"):
        factor("trs398", value=math.nan)


# --- what a result remembers of its inputs ---


def test_the_inputs_of_a_result_are_named() -> None:
    """The hash is that of the formula's name and its inputs by name: another name would be another result."""
    of = inputs_hash
    none = d.BackgroundSignal(0.0, 0.0, "none")
    ks = {k: one(1.0) for k in ("k_f", "k_l", "k_q", "k_theta")}
    dot, form = d.Dot("N-1", (1e5,), one(1.0)), d.ReaderForm(0.0, "growing", "after-sensitivity", "in-field")
    n_dw, mean = one(0.001, "cGy/{counts}"), d.StandardsMean(1e5, 1.0, 1.0, 3)
    osl = d.osl_dose(
        dots=[dot], background=none, n_dw=n_dw, factors=ks, form=form, pair_limit_percent=5.0, pair_rule="named",
        pair_named="N-1", standards=mean, k_l_follows=0.1,
    )  # fmt: skip
    assert osl.inputs_hash == of(
        "OSL dose, in-field",
        {"dots": [dot], "background": none, "n_dw": n_dw, "factors": ks, "form": form, "pair_limit_percent": 5.0,
         "components": [], "pair_rule": "named", "pair_named": "N-1", "standards": mean, "k_l_follows": 0.1},
    )  # fmt: skip
    factor_, own = one(10.0, "{counts}/mRAD"), {"k_f": one(1.0), "k_q": one(1.0)}
    reader = d.reader_form_dose(
        counts=[("N-1", 1e5, one(1.0))], control=none, reader_factor=factor_, factors=own, position="in-field",
        pair_limit_percent=5.0, control_by_factor=True,
    )  # fmt: skip
    assert reader.inputs_hash == of(
        "OSL dose, reader's form, in-field",
        {"counts": [["N-1", 1e5, one(1.0)]], "control": none, "reader_factor": factor_, "factors": own,
         "pair_limit_percent": 5.0, "components": [], "control_by_factor": True},
    )  # fmt: skip
    sensor = {"cf": one(1.0, "cGy/mV"), "cf_energy": one(1.0), "cf_angle": one(1.0)}
    scatter = {"threshold after": d.ThresholdScatter(1.0, "site")}
    mosfet = d.mosfet_dose(before_mv=1000.0, after_mv=1100.0, factors=sensor, scatter=scatter)
    assert mosfet.inputs_hash == of(
        "MOSFET dose",
        {"before_mv": 1000.0, "after_mv": 1100.0, "factors": sensor, "components": [], "scatter": scatter},
    )
    thickness = d.Contribution("thickness", 1.0, "site")
    middle = d.midline_mean(mosfet, osl, one(1.0), [thickness])
    assert middle.inputs_hash == of(
        "Midline dose, arithmetic mean",
        {"doses": [mosfet.inputs_hash, osl.inputs_hash], "factor": one(1.0), "components": [thickness]},
    )


def test_coefficients_for_which_nothing_is_published_are_the_sites_own() -> None:
    assert SITES_OWN == ("n_cal", "n_dw", "rcf", "reader_factor")
    assert not {name for _, name in d.PUBLISHED} & set(SITES_OWN)
