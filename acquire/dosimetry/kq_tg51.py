"""k_Q of the 2014 addendum to AAPM TG-51: A + B 1e-3 x + C 1e-5 x², x = %dd(10)x in percent.

Provenance: coefficients after Muir and Rogers (2010) and table I of the addendum, as the public library pylinac 3.49.0
carries them. Types outside the addendum's list as it was read here (scanning and micro chambers, fits of other authors)
are marked and refused: the site gives a k_Q of its own for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from acquire.dosimetry.errors import Doubtful, OutsideValidity
from acquire.dosimetry.finite import finite

SOURCE = "AAPM TG-51 addendum (2014) table I"

ABC: Mapping[str, tuple[float, float, float]] = {
    "PR06C/G": (0.9519, 2.432, -2.704),
    "A19": (0.9934, 1.384, -2.125),
    "A12": (1.0146, 0.777, -1.666),
    "A12S": (0.9692, 1.974, -2.448),
    "A18": (0.9944, 1.286, -1.98),
    "A1": (1.0029, 1.023, -1.803),
    "A1SL": (0.9896, 1.41, -2.049),
    "NE2561": (0.9722, 1.977, -2.463),
    "NE2571": (0.9882, 1.486, -2.14),
    "30010": (1.0093, 0.926, -1.771),
    "30011": (0.9676, 2.061, -2.528),
    "30012": (0.9537, 2.44, -2.75),
    "30013": (0.9652, 2.141, -2.623),
    "31013": (0.9725, 1.957, -2.498),
    "FC65-G": (0.9708, 1.972, -2.48),
    "FC65-P": (0.9828, 1.664, -2.296),
    "FC23-C": (0.982, 1.579, -2.166),
    "CC25": (0.9551, 2.353, -2.687),
    "CC13": (0.9515, 2.455, -2.768),
    "CC08": (0.943, 2.637, -2.884),
}
# Known, but not in the list above: not used without a value of the site.
ABC_DOUBTFUL: Mapping[str, tuple[float, float, float]] = {
    "A2": (0.9819, 1.609, -2.184),
    "T2": (1.0173, 0.854, -1.941),
    "T1": (1.0552, -0.196, -1.275),
    "A14": (0.9285, 2.706, -2.599),
    "T14": (0.9622, 2.009, -2.401),
    "A14SL": (0.9017, 3.454, -3.083),
    "A16": (0.8367, 4.987, -3.877),
    "31010": (0.959, 2.265, -2.684),
    "31003": (0.9725, 1.957, -2.498),
    "31014": (1.0071, 1.048, -1.967),
    "31016": (1.0085, 1.028, -1.968),
    "IC10": (0.9515, 2.455, -2.768),
    "CC04": (0.9714, 1.938, -2.432),
    "CC01": (0.9116, 3.358, -3.177),
    "SNC600c": (0.9992, 1.254, -2.07),
}


@finite
def k_q_tg51(chamber: str, pdd10x_percent: float) -> float:
    """k_Q of a listed chamber for %dd(10)x from 58 to 86; below 63 on a line to 1 at 58 (TG-51 addendum).

    Raises Doubtful for a chamber whose coefficients are not of the addendum's list, OutsideValidity for others.
    """
    if chamber in ABC_DOUBTFUL:
        raise Doubtful(
            f"The k_Q of {chamber} is not in the addendum's list of reference chambers as held here: enter the site's"
            " own k_Q with its source and uncertainty."
        )
    if chamber not in ABC:
        raise OutsideValidity(f"The TG-51 addendum table has no '{chamber}'; it has {', '.join(ABC)}.")
    return k_q_of_abc(*ABC[chamber], pdd10x_percent)


@finite
def k_q_of_abc(a: float, b: float, c: float, pdd10x_percent: float) -> float:
    """A + B 1e-3 x + C 1e-5 x² for x from 63 to 86 %; below that linear to 1.000 at 58 % (TG-51 addendum).

    Raises OutsideValidity.
    """
    if not 58 <= pdd10x_percent <= 86:
        raise OutsideValidity(f"%dd(10)x = {pdd10x_percent} lies outside 58 to 86; give it in percent.")
    if pdd10x_percent < 63:
        return 1 + (_fit(a, b, c, 63.0) - 1) * (pdd10x_percent - 58) / 5
    return _fit(a, b, c, pdd10x_percent)


def _fit(a: float, b: float, c: float, x: float) -> float:
    return a + b * 1e-3 * x + c * 1e-5 * x**2
