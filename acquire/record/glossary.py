"""Signs and abbreviations of a record's page, each in a few words; only those that the page uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ALWAYS: Mapping[str, str] = {
    "D": "absorbed dose to water",
    "k": "coverage factor: U = k · u",
    "u, U": "standard and expanded uncertainty (GUM); U covers about 95 % with k = 2",
    "δ": "deviation: measured over expected dose, less 1; U(δ) holds the uncertainties of both",
    "tolerance, action": "limits of |δ|, stated before the beam; beyond the action level the next fraction is held",
    "type A, B": "evaluated by statistics of readings, or otherwise (GUM)",
    "ν": "degrees of freedom of an uncertainty",
    "MU": "monitor units",
    "UTC": "coordinated universal time, the only one in this record unless an offset is written",
}
OF_FACTORS: Mapping[str, str] = {
    "n_cal": "N_cal: dose per charge of a diode in its calibration",
    "n_dw": "N_D,w: calibration coefficient of an ionisation chamber in dose to water",
    "svwt": "SVWT: change of a diode's sensitivity with its temperature",
    "t_cal": "T_cal: temperature at calibration",
    "cf_ssd": "CF_SSD: correction for the distance from source to skin (SSD)",
    "cf_fs": "CF_FS: correction for the field size",
    "cf_wedge": "CF_wedge: correction for a wedge",
    "cf_tray": "CF_tray: correction for a tray",
    "cf_angle": "CF_angle: correction for oblique incidence",
    "k_elec": "k_elec: calibration of the electrometer",
    "k_pol": "k_pol: correction for polarity",
    "k_s": "k_s: correction for recombination",
    "k_q": "k_Q: correction for the beam quality",
    "k_f": "k_F: correction for fading",
    "k_l": "k_L: correction for linearity",
    "rcf": "RCF: response of the reader, from standards of known dose",
    "reader_factor": "reader factor: dose per reading of the reader",
    "ecc": "ECC: sensitivity correction of one element",
}
TLD = "TLD: thermoluminescence dosimeter; standards have a known dose, controls none"
OSL = "OSL: optically stimulated luminescence"


def glossary(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(sign, meaning) of what stands in this record."""
    used = {name for point in record["points"] for name in (point["inputs"] or {}).get("factors", {})}
    methods = " ".join(str(point["method"]) for point in record["points"])
    own = [OF_FACTORS[name] for name in OF_FACTORS if name in used]
    own += [TLD] if "tld" in methods else []
    own += [OSL] if "osl" in methods else []
    return [*ALWAYS.items(), *((sign, meaning) for sign, _, meaning in (each.partition(": ") for each in own))]
