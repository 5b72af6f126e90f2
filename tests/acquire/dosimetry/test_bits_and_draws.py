"""The same inputs give the same bits from release to release; and each formula's budget holds against drawn inputs."""

from __future__ import annotations

import numpy as np
import pytest
from test_what_counts import AIR, CHAMBER, DIODE, SENSOR, TG51, one, osl, reader, tld

from acquire import dosimetry as d

PINNED = {
    "TRS-398": ("0x1.4e2dc7c4bd05bp-1", "0x0.0p+0", "7c6c7bb8311a9b73"),
    "TG-51": ("0x1.4e2db0f9e5e90p-1", "0x0.0p+0", "492a7a1bb9b530bd"),
    "diode": ("0x1.e713fc75e2f78p-2", "0x0.0p+0", "b840e9435fba7329"),
    "MOSFET": ("0x1.a5c28f5c28f5cp+1", "0x0.0p+0", "c936de785f945f3f"),
    "TLD": ("0x1.00a3d70a3d70ap+0", "0x1.03b3c5354eae8p-6", "5d6c0832417c97c7"),
    "OSL": ("0x1.00a3d70a3d70ap+0", "0x1.d091c8ae842d4p-8", "0accf828574ad64d"),
    "reader's form": ("0x1.0081c2e33eff1p+0", "0x1.d091c8ae842d3p-8", "962fc68d6ccbf506"),
}
MADE = {
    "TRS-398": lambda: d.chamber_dose_trs398(charge_nc=12.0, factors=CHAMBER, **AIR),
    "TG-51": lambda: d.chamber_dose_tg51(charge_nc=12.0, factors=TG51, **AIR),
    "diode": lambda: d.diode_entrance_dose(charge_nc=15.67, factors=DIODE, temperature_c=30.5),
    "MOSFET": lambda: d.mosfet_dose(before_mv=6412.0, after_mv=6741.5, factors=SENSOR),
    "TLD": lambda: tld(per_element=[d.Contribution("reading", 2.0, "x", kind="A", dof=3)]),
    "OSL": osl,
    "reader's form": lambda: reader(control=52.0),
}


@pytest.mark.parametrize("name", MADE)
def test_bits_of_one_release_are_those_of_the_next(name: str) -> None:
    # where one of these must change, raise FORMULAS_VERSION
    dose = MADE[name]()
    assert (dose.value_gy.hex(), dose.u_gy.hex(), dose.inputs_hash[:16]) == PINNED[name]


DRAWS = 400_000


def drawn(model, **inputs: tuple[float, float]) -> d.Simulated:
    """Inputs as (value, u in percent of it), all normal."""
    made = {name: d.Distribution(value, abs(value) * u / 100) for name, (value, u) in inputs.items()}
    return d.simulate(model, made, draws=DRAWS, seed=7)


@pytest.mark.parametrize("temperature_c", [12.0, 22.0, 31.0, 40.0])
def test_the_diodes_budget_is_that_of_its_formula_at_any_temperature(temperature_c: float) -> None:
    u = {"n_cal": 1.08, "svwt": 20.0, "t_cal": 2.3, "cf_ssd": 0.5, "cf_fs": 1.0, "cf_wedge": 0.5}
    factors = {name: d.Factor(f.value, f.unit, u[name], f.source) for name, f in DIODE.items()}
    dose = d.diode_entrance_dose(charge_nc=15.67, factors=factors, temperature_c=temperature_c)

    def model(n_cal, svwt, t_cal, cf_ssd, cf_fs, cf_wedge):
        return 0.1567 * n_cal * cf_ssd * cf_fs * cf_wedge / (1 + svwt / 100 * (temperature_c - t_cal))

    found = drawn(model, **{name: (f.value, f.u_percent) for name, f in factors.items()})
    assert found.value == pytest.approx(dose.value_gy, rel=5e-4)
    assert found.u == pytest.approx(dose.u_gy, rel=5e-3)
    assert d.confirms(dose.value_gy, dose.u_gy, dose.budget.k, found, digits=1).confirmed


def test_two_chips_share_out_what_is_their_own_and_not_what_is_common() -> None:
    dose = tld(factors={**dict.fromkeys(("k_f", "k_l"), one(1.0)), "k_q": one(1.0, u=3.0)},
               per_element=[d.Contribution("reading", 2.0, "x")])  # fmt: skip

    def model(a, b, ecc_a, ecc_b, k_q):
        return (a * ecc_a + b * ecc_b) / 2 * k_q / 100

    found = drawn(model, a=(100.0, 2.0), b=(100.5, 2.0), ecc_a=(1.0, 1.0), ecc_b=(1.0, 1.0), k_q=(1.0, 3.0))
    assert found.u == pytest.approx(dose.u_gy, rel=5e-3)


def test_the_two_voltage_method_is_not_linear_and_the_law_is_confirmed_where_sites_use_it() -> None:
    def k_s(m1, m2):
        r = m1 / m2
        return 1.198 - 0.875 * r + 0.677 * r**2

    law = d.propagate(k_s, {"m1": d.InputQuantity(12.268, 0.006), "m2": d.InputQuantity(12.223, 0.006)})
    found = drawn(k_s, m1=(12.268, 100 * 0.006 / 12.268), m2=(12.223, 100 * 0.006 / 12.223))
    assert d.confirms(law.value, law.u, law.k, found, digits=1).confirmed
    assert np.isclose(law.value, d.k_s_pulsed(3.0, 12.268 / 12.223))


def test_a_mean_of_results_that_share_a_calibration_against_draws() -> None:
    lab = d.Contribution("n_cal", 1.0, "session F", shared_key="session F")
    budgets = [d.Budget((lab, d.Contribution("own", u, "x"))) for u in (2.0, 1.0)]
    mean = d.mean_of_doses([1.0, 3.0], budgets)
    found = drawn(lambda n, a, b: (n * a + n * b) / 2, n=(1.0, 1.0), a=(1.0, 2.0), b=(3.0, 1.0))
    assert found.u == pytest.approx(mean.u, rel=5e-3)
