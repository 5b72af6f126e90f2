"""How numbers are written on paper: rounding for print only, true minus signs, decimals that stand under each other.

The digits of an uncertainty are those of the GUM (7.2.6); units are stored in UCUM.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MINUS, FIGURE_SPACE, THIN = "\u2212", "\u2007", "\u202f"
NOTHING = "\u2014"
RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def fixed(value: float | None, decimals: int) -> str:
    """A number, in the unit it has, with so many decimals; a dash where there is none."""
    return NOTHING if value is None else f"{value:.{decimals}f}".replace("-", MINUS)


def cgy(gray: float | None, decimals: int = 2) -> str:
    """A dose in Gy, written in cGy."""
    return fixed(None if gray is None else 100 * gray, decimals)


def change(each: Mapping[str, Any]) -> str:
    """One thing that changed between two versions of a result, with both values where they are single ones."""
    if each["was"] is None and each["now"] is None:
        return str(each["what"])
    was, now = ("none" if value is None else f"{value:.6g}" if isinstance(value, float) else value
                for value in (each["was"], each["now"]))  # fmt: skip
    return f"{each['what']} {was} → {now}"


def enough(value: float, decimals: int, *limits: float) -> int:
    """As many decimals as keep a rounded number on its own side of each limit: 7.004 beside 7 does not become 7.0.

    The value and its limits are in one unit.
    """

    def sides(number: float) -> list[int]:
        return [(number > limit) - (number < limit) for limit in limits]

    while decimals < 6 and sides(round(value, decimals)) != sides(value):
        decimals += 1
    return decimals


def deviation(result: Mapping[str, Any], decimals: int = 1) -> str:
    """A result's deviation in percent with its sign, never rounded onto or across a limit that it is held against."""
    value = result.get("deviation_percent")
    if value is None:
        return NOTHING
    limits = [result[name] for name in ("tolerance_percent", "action_percent") if result.get(name) is not None]
    return signed(value, enough(value, decimals, *limits, *(-limit for limit in limits)))


def upper_end(course: Mapping[str, Any], decimals: int) -> str:
    """The upper end of a course dose in cGy, never rounded onto or across the order's limit."""
    upper, limits = 100 * course["upper_gy"], [] if course["limit_gy"] is None else [100 * course["limit_gy"]]
    return fixed(upper, enough(upper, decimals, *limits))


def probability(value: float) -> str:
    """A probability (0 to 1) with three decimals; what is not certain is not printed as 1.000 or 0.000."""
    if 0.9995 <= value < 1:
        return "above 0.999"
    return "below 0.001" if 0 < value < 0.0005 else fixed(value, 3)


def uncertainty(value: float | None, column: int = 2) -> str:
    """Two significant digits, filled up with figure spaces so that the points of a column align; the unit stays."""
    if value is None:
        return NOTHING
    if value <= 0:
        return f"{value:.{column}f}"
    decimals = max(0, min(column, 1 - math.floor(math.log10(value))))
    text = f"{value:.{decimals}f}"
    missing = column - decimals + (1 if decimals == 0 and column else 0)
    return text + FIGURE_SPACE * missing


def with_u(gray: float, expanded_gray: float) -> str:
    """Dose and U in cGy, both to the place of the second significant digit of U (GUM 7.2.6)."""
    return f"{rounded(gray, expanded_gray)} ± {rounded(expanded_gray, expanded_gray)} cGy"


def signed(value: float | None, decimals: int = 1) -> str:
    """With its sign, as deviations (in percent) are written."""
    return NOTHING if value is None else f"{value:+.{decimals}f}".replace("-", MINUS)


def plain(value: float) -> str:
    """A factor as it was given, up to six digits; thousands set apart by thin spaces, a power of ten for small ones."""
    text = f"{value:.6g}"
    if "e-" in text:
        mantissa, power = text.split("e")
        return f"{mantissa} × 10{str(int(power)).translate(RAISED)}".replace("-", MINUS)
    if "e" in text or abs(value) >= 10000:
        text = f"{value:,.0f}".replace(",", THIN)
    return text.replace("-", MINUS)


NAMES = {
    "n_cal": "N_cal", "n_dw": "N_D,w", "svwt": "SVWT", "t_cal": "T_cal", "rcf": "RCF", "ecc": "ECC", "k_elec": "k_elec",
    "k_pol": "k_pol", "k_s": "k_s", "k_q": "k_Q", "k_f": "k_F", "k_l": "k_L", "cf_ssd": "CF_SSD", "cf_fs": "CF_FS",
    "cf_wedge": "CF_wedge", "cf_tray": "CF_tray", "cf_angle": "CF_angle", "cf_dose_rate": "CF_dose rate",
    "cf_energy": "CF_energy", "cf_backscatter": "CF_backscatter", "cf": "CF", "k_theta": "k_θ", "f_mid": "F",
    "k_q_out": "k_Q outside the field", "reader_factor": "reader factor", "limit_mv": "limit of the threshold",
    "delay_min": "delay of the reading", "delay_tolerance_min": "tolerance of the delay",
}  # fmt: skip
UNITS = {
    "1": "",
    "Cel": "°C",
    "%/Cel": "%/°C",
    "{counts}": "counts",
    "{counts}/cGy": "counts/cGy",
    "cGy/{counts}": "cGy/count",
    "{counts}/mRAD": "counts/mrad",
    "mRAD": "mrad",
    "keV/um": "keV/µm",
}


def symbol(name: str) -> str:
    """A factor as formulas write it; what is no factor stays as it is."""
    return NAMES.get(name, name)


def unit(ucum: str) -> str:
    """A UCUM unit as people write it."""
    return UNITS.get(ucum, ucum)


def sentence(text: str) -> str:
    """The first letter large, all others as they are."""
    return text[:1].upper() + text[1:]


def moment(text: str | None) -> str:
    """A time (ISO 8601 with its offset) to the second in UTC, the one zone of a record, which it names once a page."""
    if text is None:
        return NOTHING
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def stated(text: str) -> str:
    """A time with the offset it was written with."""
    at = datetime.fromisoformat(text)
    return at.strftime("%Y-%m-%d %H:%M ") + at.strftime("%z")[:3].replace("-", MINUS) + ":" + at.strftime("%z")[3:5]


def as_written(text: str) -> str:
    """In brackets how a time was written, where that was with another offset than UTC's; nothing otherwise."""
    return f" (written {stated(text)})" if datetime.fromisoformat(text).utcoffset() else ""


def rounded(gray: float, expanded_gray: float) -> str:
    """A dose, or its U, in cGy to the place of the second significant digit of U (GUM 7.2.6)."""
    spread = 100 * expanded_gray
    return fixed(100 * gray, max(0, 1 - math.floor(math.log10(spread))) if spread > 0 else 2)


def small_share(nc: float, percent: float) -> str:
    """A charge in nC that is a part of another, with that part in percent; no digits below a thousandth."""
    share = f"{abs(percent):.2g} %" if abs(percent) >= 0.001 else "less than 0.001 %"
    return f"{plain(float(f'{nc:.2g}'))} nC, {share} of it"


def day(text: str) -> str:
    """The day (UTC) of a stored time."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%d %B %Y").lstrip("0")
