"""k_Q in photon beams after IAEA TRS-398 Rev.1: the sigmoid of eq. 34 with its a and b, and tables of a site.

Provenance: a, b and cavity lengths L from a public Rev.1 worksheet, those of PTW 30013 and 31010 checked against a
second implementation; the report was not read again. L disagrees between the two for PTW 31010 and 31021 and looks
wrong for others: no L of this table is ever used, it is taken from the chamber's data sheet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from acquire.dosimetry.errors import Doubtful, OutsideValidity
from acquire.dosimetry.finite import finite

SOURCE = "IAEA TRS-398 Rev.1 eq. 34"

# a, b, L in cm, and whether L is marked doubtful.
AB: Mapping[str, tuple[float, float, float, bool]] = {
    "NE 2561/2611A": (1.07699, -0.08732, 3.07, True),
    "Exradin A12S": (1.11499, -0.10057, 2.0, False),
    "NE 2571": (1.08918, -0.09222, 2.41, False),
    "Exradin A18": (1.10487, -0.0967, 2.25, True),
    "PTW 30010": (1.12594, -0.1074, 2.3, False),
    "Exradin A19": (1.12024, -0.10493, 3.17, True),
    "PTW 30011": (1.1085, -0.10107, 2.3, False),
    "Exradin A26": (1.09587, -0.09383, 0.24, False),
    "PTW 30012": (1.12442, -0.10415, 2.3, False),
    "Exradin A28": (1.12453, -0.10278, 0.25, False),
    "PTW 30013": (1.18273, -0.13256, 2.3, False),
    "IBA FC65-G": (1.09752, -0.09642, 2.31, False),
    "PTW 31010": (1.23755, -0.15295, 0.65, True),
    "IBA FC65-P": (1.12374, -0.10784, 2.31, False),
    "PTW 31013": (1.19297, -0.13366, 1.65, False),
    "IBA FC23-C": (1.09189, -0.09346, 0.88, False),
    "PTW 31016": (1.1165, -0.10841, 0.29, False),
    "IBA CC13": (1.11441, -0.1026, 0.58, False),
    "PTW 31021": (1.29612, -0.16514, 0.48, True),
    "IBA CC25": (1.08981, -0.09254, 1.0, False),
    "PTW 31022": (1.14435, -0.1113, 0.29, False),
    "SNC600c": (1.068, -0.08485, 2.27, False),
    "Capintec PR-06C": (1.06833, -0.08262, 2.27, False),
    "SNC125c": (1.097, -0.09749, 0.705, False),
    "Exradin A1SL": (1.21633, -0.13351, 0.57, False),
    "Exradin A12": (1.09783, -0.09544, 2.58, True),
}


@finite
def k_q_sigmoid(tpr20_10: float, a: float, b: float) -> float:
    """k_Q = (1 + e^((a-0.57)/b)) / (1 + e^((a-TPR)/b)), TRS-398 Rev.1 eq. 34, TPR20,10 from 0.56 to 0.82.

    Raises OutsideValidity.
    """
    if not 0.56 <= tpr20_10 <= 0.82:
        raise OutsideValidity(f"TPR20,10 = {tpr20_10} lies outside 0.56 to 0.82.")
    return (1 + math.exp((a - 0.57) / b)) / (1 + math.exp((a - tpr20_10) / b))


@finite
def k_q_rev1(chamber: str, tpr20_10: float) -> float:
    """k_Q of a chamber of the table (TRS-398 Rev.1 eq. 34). Raises OutsideValidity for others."""
    a, b, _, _ = _of(chamber)
    return k_q_sigmoid(tpr20_10, a, b)


@finite
def cavity_length_cm(chamber: str, site_value_cm: float | None = None) -> float:
    """The cavity length of the chamber's data sheet, which the site enters; held against the table.

    Raises Doubtful without a site's value; OutsideValidity when it differs by more than a tenth from an entry that is
    not marked (a mistyped digit, or mm for cm).
    """
    _, _, listed, doubtful = _of(chamber)
    if site_value_cm is None:
        mark = ", and that entry is doubtful" if doubtful else ""
        raise Doubtful(
            f"The cavity length of {chamber} is taken from its data sheet (the table says {listed:g} cm{mark}): enter."
        )
    if not doubtful and abs(site_value_cm / listed - 1) > 0.1:
        raise OutsideValidity(
            f"The cavity length {site_value_cm:g} cm of {chamber} is far from the {listed:g} cm known for it: check it."
        )
    return site_value_cm


def _of(chamber: str) -> tuple[float, float, float, bool]:
    if chamber not in AB:
        raise OutsideValidity(f"The table of TRS-398 Rev.1 held here has no '{chamber}'; it has {', '.join(AB)}.")
    return AB[chamber]
