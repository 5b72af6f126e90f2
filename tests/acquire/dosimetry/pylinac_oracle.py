"""Questions to the public library pylinac, and (run with a Python that has it) its answers.

As a program, `PYTHON-WITH-PYLINAC pylinac_oracle.py < questions.json > answers.json`: a list of questions in, a list of
dictionaries out. It imports nothing of this project, and this project imports nothing of pylinac: the two are compared
in test_pylinac_comparison.py. Questions are drawn inside the validity ranges of both.
"""

from __future__ import annotations

import json
import random
import sys
import warnings

VERSION = "3.49.0"
VOLTAGES = ((300, 150), (300, 120), (300, 100), (350, 100), (400, 100), (500, 100))
PHOTON_CHAMBERS = (
    "PR06C/G", "A19", "A12", "A12S", "A18", "A1", "A1SL", "NE2561", "NE2571", "30010", "30011", "30012", "30013",
    "31013", "FC65-G", "FC65-P", "FC23-C", "CC25", "CC13", "CC08",
)  # fmt: skip
ELECTRON_CHAMBERS = (
    "A12", "A19", "A12S", "A18", "A1SL", "30010", "30011", "30012", "30013", "31003", "31013", "CC25", "CC13",
    "IC10", "FC65-G", "FC65-P", "FC23-C", "NE2571", "NE2611", "PR06C/G",
)  # fmt: skip
TRS_PHOTONS = (
    "PR-06C/G", "A12", "30-751", "30-752", "2505", "2505/A", "2571", "2581", "30001", "30010", "30002", "30011",
    "30004", "30012", "30006", "30013",
)  # fmt: skip
TRS_ELECTRONS = (
    "PR06C", "A12", "2571", "2581", "30001", "30010", "30002", "30011", "30004", "30012", "30006", "30013",
    "FC65-P", "FC65-G",
)  # fmt: skip


def questions(n: int, seed: int) -> list[dict]:
    """n questions of each of the five worksheets."""
    r = random.Random(seed)
    return [
        ask(r) for _ in range(n) for ask in (_photons, _electrons_1999, _electrons_2014, _trs_photons, _trs_electrons)
    ]


def _common(r: random.Random) -> dict:
    high, low = r.choice(VOLTAGES)
    m = r.uniform(5, 60) * r.choice((-1, 1))
    return {
        "temp": r.uniform(15, 30), "press": r.uniform(96, 105.9), "n_dw": r.uniform(1, 30), "mu": r.choice((100, 200)),
        "voltage_reference": high, "voltage_reduced": low, "m_reference": [m, m * r.uniform(0.999, 1.001)],
        "m_opposite": [-m * r.uniform(0.985, 1.015)], "m_reduced": [m / r.uniform(1.0015, 1.018)],
        "tissue_correction": r.choice((1.0, 0.99)),
    }  # fmt: skip


def _photons(r: random.Random) -> dict:
    foil = r.choice((None, None, "30cm", "50cm"))
    energy = r.choice((6, 10, 15, 18))
    pdd = r.uniform(63.1, 74.9) if energy < 10 and foil is None else r.uniform(63.1, 83.0)
    if foil and energy < 10:
        energy = 10
    return _common(r) | {
        "form": "tg51 photons", "chamber": r.choice(PHOTON_CHAMBERS), "p_elec": r.uniform(0.985, 1.015),
        "measured_pdd10": pdd, "lead_foil": foil, "energy": energy, "clinical_pdd10": r.uniform(60, 85),
    }  # fmt: skip


def _electrons_1999(r: random.Random) -> dict:
    asked = _common(r)
    return asked | {
        "form": "tg51 electrons 1999", "chamber": "30013", "p_elec": r.uniform(0.985, 1.015),
        "i_50": r.uniform(2.1, 8.7),
        "k_ecal": r.uniform(0.88, 0.92), "m_gradient": [asked["m_reference"][0] * r.uniform(0.97, 1.01)],
        "clinical_pdd": r.uniform(90, 100), "energy": 9, "cone": "10x10",
    }  # fmt: skip


def _electrons_2014(r: random.Random) -> dict:
    return _common(r) | {
        "form": "tg51 electrons 2014", "chamber": r.choice(ELECTRON_CHAMBERS), "p_elec": r.uniform(0.985, 1.015),
        "i_50": r.uniform(1.2, 9.9), "clinical_pdd": r.uniform(90, 100), "energy": 9, "cone": "10x10",
    }  # fmt: skip


def _trs_photons(r: random.Random) -> dict:
    return _common(r) | {
        "form": "trs398 photons", "chamber": r.choice(TRS_PHOTONS), "k_elec": r.uniform(0.985, 1.015), "setup": "SSD",
        "tpr2010": r.uniform(0.5, 0.84), "clinical_pdd_zref": r.uniform(60, 85), "energy": 6, "fff": False,
    }  # fmt: skip


def _trs_electrons(r: random.Random) -> dict:
    return _common(r) | {
        "form": "trs398 electrons", "chamber": r.choice(TRS_ELECTRONS), "k_elec": r.uniform(0.985, 1.015),
        "i_50": r.uniform(4.0, 9.9), "clinical_pdd_zref": r.uniform(90, 100), "energy": "9", "cone": "10x10",
    }  # fmt: skip


def answer(question: dict) -> dict:
    """What pylinac says, as names and numbers; needs pylinac."""
    from pylinac.calibration import tg51, trs398  # noqa: PLC0415  (another environment's package)

    asked = dict(question)
    form = asked.pop("form")
    match form:
        case "tg51 photons":
            sheet = tg51.TG51Photon(unit="u", **asked)
            return _of(sheet, p_tp="p_tp", p_pol="p_pol", p_ion="p_ion", k_q="kq", d="dose_mu_10", d_max="dose_mu_dmax")
        case "tg51 electrons 1999":
            sheet = tg51.TG51ElectronLegacy(**asked)
            return _of(sheet, r50="r_50", d_ref="dref", p_gr="pq_gr", k_q="kq", d="dose_mu_dref", d_max="dose_mu_dmax")
        case "tg51 electrons 2014":
            sheet = tg51.TG51ElectronModern(**asked)
            return _of(sheet, r50="r_50", d_ref="dref", k_q="kq", d="dose_mu_dref", d_max="dose_mu_dmax")
        case "trs398 photons":
            sheet = trs398.TRS398Photon(**asked)
            return _of(sheet, k_tp="k_tp", k_pol="k_pol", k_s="k_s", k_q="kq", d="dose_mu_zref", d_max="dose_mu_zmax")
        case _:
            sheet = trs398.TRS398Electron(**asked)
            return _of(sheet, r50="r_50", k_s="k_s", k_q="kq", d="dose_mu_zref", d_max="dose_mu_zmax")


def _of(sheet: object, **names: str) -> dict:
    return {ours: float(getattr(sheet, theirs)) for ours, theirs in names.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
