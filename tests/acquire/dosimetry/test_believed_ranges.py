"""Sizes that cannot be, and a k_Q of another protocol, chamber or beam."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from test_what_counts import AIR, CHAMBER, DIODE, SENSOR, one, osl, tld

from acquire import dosimetry as d

KS = {"k_f": one(1.0), "k_l": one(1.0), "k_q": one(0.96)}


@pytest.mark.parametrize(
    ("dose", "said"),
    [
        (lambda: tld(factors=KS | {"k_q": one(9.6)}), r"k_q = 9\.6 .* outside 0\.65 to 1\.15: .*Published: LiF"),
        (lambda: osl(factors=KS | {"k_l": one(0.1)}), r"k_l = 0\.1 .* outside 0\.7 to 1\.1"),
        (
            lambda: d.diode_entrance_dose(charge_nc=10.0, temperature_c=30.0, factors=DIODE | {"cf_ssd": one(9.92)}),
            r"cf_ssd = 9\.92 .* outside 0\.8 to 1\.25",
        ),
        (
            lambda: d.mosfet_dose(before_mv=6.412, after_mv=6.7415, factors=SENSOR),
            r"threshold before irradiation is 6\.412 mV; .*looks like 6\.412 V",
        ),
        (
            lambda: d.mosfet_dose(before_mv=6412.0, after_mv=6741.5, factors=SENSOR | {"cf": one(970, "cGy/mV")}),
            r"cf = 970 .* outside 0\.2 to 5",
        ),
        (
            lambda: d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {"k_q": one(1.1)}, **AIR),
            r"k_q = 1\.1 .* outside 0\.86 to 1\.02: .*eq\. 34",
        ),
        (
            lambda: d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER | {"k_vol": one(1.1)}, fff=True, **AIR),
            r"k_vol = 1\.1 .* outside 1 to 1\.05",
        ),
    ],
)
def test_a_size_that_cannot_be_is_refused_with_its_source(dose, said: str) -> None:
    with pytest.raises(d.OutsideValidity, match=said):
        dose()


def test_every_published_range_names_its_source_and_holds_something() -> None:
    for (kind, name), within in d.PUBLISHED.items():
        assert within.low < within.high
        assert within.source
        middle = math.sqrt(within.low * within.high)
        for wrong in (middle / 10, middle * 10):  # a slipped decimal point never stays inside
            if (kind, name) != ("mosfet", "cf"):
                with pytest.raises(d.OutsideValidity):
                    d.believed(kind, name, one(wrong))
    assert d.believed("diode", "n_cal", one(3.1)).value == 3.1  # none is published


def test_a_threshold_looks_like_volts_only_where_it_could_be() -> None:
    with pytest.raises(d.OutsideValidity, match=r"is 40000 mV; a MOSFET stands at 100 to 30000 mV\."):
        d.believed_threshold(40_000, "it")
    assert [d.believed_threshold(mv, "it") for mv in (100.0, 30_000.0)] == [100.0, 30_000.0]


def test_a_sites_range_is_narrow_and_holds_its_coefficient() -> None:
    d.in_sites_range(3.1, (2.5, 7.5), "N_cal")
    with pytest.raises(d.OutsideValidity, match="A range of 1 to 10 says nothing"):
        d.in_sites_range(3.1, (1.0, 10.0), "N_cal")
    d.in_sites_range(2.5, (2.5, 4.0), "N_cal")
    with pytest.raises(d.OutsideValidity, match=r"N_cal is 3100, outside the 2\.5 to 4"):
        d.in_sites_range(3100, (2.5, 4.0), "N_cal")
    for low, high in ((2.5, 7.6), (0.0, 1.0), (4.0, 2.5), (-2.0, -1.0), (3.0, 3.0)):
        with pytest.raises(d.OutsideValidity, match="says nothing"):
            d.sites_range(low, high)


def test_an_expected_dose_of_cgy_in_the_place_of_gy_is_no_fractions() -> None:
    d.fraction_dose(10.0, 2.0)
    with pytest.raises(d.OutsideValidity, match=r"46\.8 Gy is 23\.4 times the 2 Gy prescribed"):
        d.fraction_dose(46.8, 2.0)
    with pytest.raises(d.OutsideValidity):
        d.fraction_dose(10.01, 2.0)


# --- k_Q ---

TRS = d.QualityFactor(0.989458, "TRS-398 Rev.1 Eq. 34", "trs398", "PTW 30013", tpr20_10=0.668)
TG = d.QualityFactor(0.991715, "TG-51 addendum", "tg51", "30013", pdd10x=66.4)


def test_a_k_q_of_its_own_protocol_chamber_and_beam_is_taken() -> None:
    d.quality_factor_fits(TRS, "trs398", "30013", "6 MV", "Co-60")
    d.quality_factor_fits(TG, "tg51", "PTW 30013", "6 MV", "60Co".replace("60Co", "co 60"))
    both = replace(TRS, source="TRS-398 Rev.1, checked against TG-51")
    d.quality_factor_fits(both, "trs398", "30013", "6 MV", "Co-60")
    electrons = d.QualityFactor(0.91, "Muir and Rogers", "tg51", "30013", r50_cm=4.2)
    d.quality_factor_fits(electrons, "tg51", "30013", "9 MeV", "Co-60")
    unknown = d.QualityFactor(0.99, "measured", "trs398", "homemade", tpr20_10=0.668)
    d.quality_factor_fits(unknown, "trs398", "homemade", "6 MV", "Co-60")


@pytest.mark.parametrize(
    ("stated", "protocol", "chamber", "beam", "calibrated", "said"),
    [
        (TRS, "tg51", "30013", "6 MV", "Co-60", r"protocol is TG-51, its k_q is of TRS-398 \(TRS-398 Rev"),
        (TG, "trs398", "30013", "6 MV", "Co-60", "protocol is TRS-398, its k_q is of TG-51"),
        (replace(TRS, formalism=None), "tg51", "30013", "6 MV", "Co-60", "its k_q is of TRS-398"),
        (replace(TRS, formalism="tg51"), "tg51", "30013", "6 MV", "Co-60", "its k_q is of TRS-398"),
        (replace(TRS, formalism=None), "trs398", "30013", "6 MV", "Co-60", "does not say of which protocol"),
        (replace(TRS, chamber=None), "trs398", "30013", "6 MV", "Co-60", "for which chamber type"),
        (TRS, "trs398", "31010", "6 MV", "Co-60", "chamber PTW 30013; the inventory says that it is a 31010"),
        (replace(TRS, tpr20_10=None, pdd10x=66.4), "trs398", "30013", "6 MV", "Co-60", r"for one TPR20,10 .*has %dd"),
        (replace(TG, tpr20_10=0.668), "tg51", "30013", "6 MV", "Co-60", r"one %dd\(10\)x .*has TPR20,10 and %dd"),
        (replace(TRS, tpr20_10=None), "trs398", "30013", "6 MV", "Co-60", "has no beam quality"),
        (TRS, "trs398", "30013", "9 MeV", "Co-60", "stated for one R50"),
        (TRS, "trs398", "30013", "15 MV", "Co-60", r"TPR20,10 = 0\.668; a 15 MV beam has 0\.73 to 0\.79"),
        (TG, "tg51", "30013", "10 MV", "Co-60", r"%dd\(10\)x = 66\.4; a 10 MV beam has 69 to 76"),
        (TRS, "trs398", "30013", "6 MV", "6 MV", "calibrated in 6 MV: it would count twice"),
        (TRS, "trs398", "30013", "6 MV", None, "beam of calibration"),
        (replace(TRS, value=0.991715), "trs398", "30013", "6 MV", "Co-60", r"not that of PTW 30013 .* it is 0\.9895"),
        (replace(TG, value=0.989458), "tg51", "30013", "6 MV", "Co-60", r"not that of 30013 .* it is 0\.9917"),
    ],
)  # fmt: skip
def test_a_k_q_that_does_not_fit_is_refused(stated, protocol, chamber, beam, calibrated, said: str) -> None:
    with pytest.raises(d.DosimetryError, match=said):
        d.quality_factor_fits(stated, protocol, chamber, beam, calibrated)
