"""The tables of k_Q and the units stay as they were checked, and each fit ends where its publication says.

Chambers that pylinac has are held against it (test_pylinac_comparison). The digests hold the rest: they do not say that
a number is right, but that it is the one that was typed from the publication; who corrects one writes the new digest.
"""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from acquire import dosimetry as d
from acquire.dosimetry import kq_electrons, kq_tg51, kq_trs398_2000, kq_trs398_rev1, units


@pytest.mark.parametrize(
    ("table", "chambers", "digest"),
    [
        (kq_electrons.MUIR_ROGERS, 20, "fa68260b16c72226"), (kq_electrons.PLANE_PARALLEL, 1, "f419efa1c3739e94"),
        (kq_tg51.ABC, 20, "69b614b0065449c5"), (kq_tg51.ABC_DOUBTFUL, 15, "8f61276d0957fb0a"),
        (kq_trs398_2000.PHOTONS, 18, "e3b993dcc33fc647"), (kq_trs398_2000.ELECTRONS, 14, "d2fd1a8ddba31072"),
        (kq_trs398_rev1.AB, 26, "58bf7614c060e3e4"),
    ],
)  # fmt: skip
def test_no_digit_of_a_table_changes_unseen(table, chambers: int, digest: str) -> None:
    assert len(table) == chambers
    assert hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:16] == digest


def test_the_sources_are_named() -> None:
    assert kq_tg51.SOURCE == "AAPM TG-51 addendum (2014) table I"
    assert kq_trs398_rev1.SOURCE == "IAEA TRS-398 Rev.1 eq. 34"
    assert kq_trs398_2000.SOURCE_PHOTONS == "IAEA TRS-398 (2000) table 6.III, linear interpolation"
    assert kq_trs398_2000.SOURCE_ELECTRONS == "IAEA TRS-398 (2000) table 7.III, linear interpolation"


def test_the_nodes_of_the_tables_of_2000_are_read_on_themselves() -> None:
    for name, row in kq_trs398_2000.PHOTONS.items():
        found = [kq_trs398_2000.k_q_photons_2000(name, x) for x in kq_trs398_2000.TPR20_10]
        assert found == list(row)
    for name, row in kq_trs398_2000.ELECTRONS.items():
        found = [kq_trs398_2000.k_q_electrons_2000(name, x) for x in kq_trs398_2000.R50_CM]
        assert found == list(row)
    assert (kq_trs398_2000.TPR20_10[0], kq_trs398_2000.TPR20_10[-1]) == (0.50, 0.84)
    assert (kq_trs398_2000.R50_CM[0], kq_trs398_2000.R50_CM[-1]) == (4.0, 20.0)
    for table, call in (("TPR20,10", kq_trs398_2000.k_q_photons_2000), ("R50", kq_trs398_2000.k_q_electrons_2000)):
        with pytest.raises(d.OutsideValidity, match=f"^{table} = 30 lies outside"):
            call("30013", 30.0)
        with pytest.raises(d.OutsideValidity, match="held here has no 'ACME'"):
            call("ACME", 0.6)


@pytest.mark.parametrize("x", [2.0, 4.0, 20.0])
def test_electron_fits_by_hand(x: float) -> None:
    assert kq_electrons.k_r50_plane_parallel_1999(x) == pytest.approx(1.2239 - 0.145 * x**0.214)
    k_ecal, a, b, c = kq_electrons.MUIR_ROGERS["31003"]
    assert kq_electrons.k_q_relative_2014("31003", x) == pytest.approx(a + b * x**-c)
    assert kq_electrons.k_q_electrons_2014("31003", x) == pytest.approx((a + b * x**-c) * k_ecal)
    assert kq_electrons.k_q_relative_2014("Roos", x) == pytest.approx(0.984 + 0.134 * math.exp(-x / 3.511))


def test_electron_fits_end_where_their_publications_say() -> None:
    assert kq_electrons.k_q_relative_2014("Roos", 1.0) == pytest.approx(0.984 + 0.134 * math.exp(-1 / 3.511))
    for edge in (2.0, 9.0):
        assert kq_electrons.k_r50_cylindrical_1999(edge) == pytest.approx(0.9905 + 0.071 * math.exp(-edge / 3.67))
    for fit, beyond, said in (
        (kq_electrons.k_r50_cylindrical_1999, (1.9, 9.1), "2 to 9 cm, where the fit of Farmer-type chambers"),
        (kq_electrons.k_r50_plane_parallel_1999, (1.9, 20.1), "2 to 20 cm, where the fit of plane-parallel chambers"),
        (lambda x: kq_electrons.k_q_relative_2014("Roos", x), (0.9, 20.1), "1 to 20 cm, where the fit of Muir"),
    ):
        for x in beyond:
            with pytest.raises(d.OutsideValidity, match=said):
                fit(x)


def test_a_gradient_on_its_edges() -> None:
    assert kq_electrons.p_gradient(0.45, 0.5) == 0.9
    assert kq_electrons.p_gradient(-1.1, -1.0) == 1.1
    for pair in ((0.89, 1.0), (1.11, 1.0)):
        with pytest.raises(d.OutsideValidity, match="the two depths may have been exchanged"):
            kq_electrons.p_gradient(*pair)
    for pair in ((1.0, 0.0), (0.0, 1.0), (-1.0, 1.0)):
        with pytest.raises(d.OutsideValidity, match="need one sign and must not be zero"):
            kq_electrons.p_gradient(*pair)


def test_photon_fits_on_their_edges() -> None:
    a, b, c = 1.0, 2.0, -3.0
    full = [a + b * 1e-3 * x + c * 1e-5 * x * x for x in (63.0, 86.0)]
    assert [kq_tg51.k_q_of_abc(a, b, c, x) for x in (63.0, 86.0)] == pytest.approx(full)
    assert kq_tg51.k_q_of_abc(a, b, c, 58.0) == 1.0
    assert kq_tg51.k_q_of_abc(a, b, c, 60.5) == pytest.approx(1 + (full[0] - 1) / 2)
    assert kq_trs398_rev1.k_q_sigmoid(0.57, 1.1, -0.1) == 1.0
    for x in (0.56, 0.82):
        right = (1 + math.exp(-5.3)) / (1 + math.exp((1.1 - x) / -0.1))
        assert kq_trs398_rev1.k_q_sigmoid(x, 1.1, -0.1) == pytest.approx(right)
    for beyond in (57.9, 86.1):
        with pytest.raises(d.OutsideValidity, match="outside 58 to 86"):
            kq_tg51.k_q_of_abc(a, b, c, beyond)
    for beyond in (0.559, 0.821):
        with pytest.raises(d.OutsideValidity, match=r"outside 0\.56 to 0\.82"):
            kq_trs398_rev1.k_q_sigmoid(beyond, 1.1, -0.1)


def test_a_cavity_within_a_tenth_of_the_table_is_believed() -> None:
    name, (_, _, listed, _) = next((n, row) for n, row in kq_trs398_rev1.AB.items() if not row[3])
    for site in (listed * 1.0999, listed * 0.9001):
        assert kq_trs398_rev1.cavity_length_cm(name, site) == site
    for site in (listed * 1.1001, listed * 0.8999):
        with pytest.raises(d.OutsideValidity, match="is far from the"):
            kq_trs398_rev1.cavity_length_cm(name, site)
    doubtful = next(n for n, row in kq_trs398_rev1.AB.items() if row[3])
    assert kq_trs398_rev1.cavity_length_cm(doubtful, 99.0) == 99.0
    with pytest.raises(d.Doubtful, match="and that entry is doubtful"):
        kq_trs398_rev1.cavity_length_cm(doubtful)


# --- units: prefixes of the SI, and what a day or an atmosphere is ---

PREFIX = {"": 1.0, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


@pytest.mark.parametrize(
    ("convert", "base", "prefixes", "to"),
    [(units.charge_nc, "C", "munpf", 1e9), (units.current_na, "A", "munpf", 1e9), (units.dose_gy, "Gy", "cmu", 1.0),
     (units.length_cm, "m", "cmu", 100.0), (units.time_s, "s", "m", 1.0)],
)  # fmt: skip
def test_prefixes(convert, base: str, prefixes: str, to: float) -> None:
    for prefix in ("", *prefixes):
        assert convert(2.0, prefix + base) == pytest.approx(2 * PREFIX[prefix] * to, rel=1e-12)
    with pytest.raises(d.OutsideValidity, match=rf"allowed are .*{base}"):
        convert(1.0, "furlong")


def test_units_beside_the_si() -> None:
    assert [units.time_s(2.0, unit) for unit in ("min", "h", "d")] == [120.0, 7200.0, 172800.0]
    assert [units.dose_gy(2.0, unit) for unit in ("RAD", "rad", "mRAD", "mrad")] == [0.02, 0.02, 2e-5, 2e-5]
    found = [units.pressure_kpa(2.0, unit) for unit in ("kPa", "hPa", "mbar", "Pa", "atm")]
    assert found == [2.0, 0.2, 0.2, 0.002, 202.65]
    assert [units.pressure_kpa(760.0, unit) for unit in ("mm[Hg]", "mmHg", "Torr")] == [101.325] * 3
    assert units.pressure_kpa(760.0, "mmHg", 101.33) == 101.33
    found = [units.temperature_c(68.0, unit) for unit in ("Cel", "°C", "[degF]", "°F")]
    assert found == [68.0, 68.0, pytest.approx(20.0), pytest.approx(20.0)]
    assert units.temperature_c(293.15, "K") == pytest.approx(20.0)
    assert units.n_dw_gy_per_nc(5.366e7, "Gy/C") == pytest.approx(0.05366, rel=1e-15)
    assert units.n_dw_gy_per_nc(5.366, "cGy/nC") == 0.05366
    assert units.n_dw_gy_per_nc(2.0, "Gy/pC") == 2000.0
    for unit, said in (("Gy", "is no dose per charge"), ("C/Gy", "is no dose"), ("Gy/h", "is no charge")):
        with pytest.raises(d.OutsideValidity, match=said):
            units.n_dw_gy_per_nc(1.0, unit)
    with pytest.raises(d.OutsideValidity, match="'R' is no temperature"):
        units.temperature_c(1.0, "R")
    with pytest.raises(d.OutsideValidity, match=r"'bar' is no pressure; allowed are .*mm\[Hg\]"):
        units.pressure_kpa(1.0, "bar")
