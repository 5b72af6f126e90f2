"""Numbers as people and files write them: decimal commas, true minus signs, blanks between thousands; or a refusal."""

from __future__ import annotations

import math
import re

from acquire.dosimetry.errors import OutsideValidity

_BLANKS = " \u00a0\u2009\u202f"
_PLAIN = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}( [0-9]{3})+([.,][0-9]*)?")


def parse_number(text: str) -> float:
    """The number that a text states.

    Decimal point or comma, Unicode minus, exponents, and blanks between thousands where every group has three digits.
    "1,2,3", "1.234,5", "12 34", "", "NaN" and the like raise OutsideValidity: nothing is guessed.
    """
    plain = text.strip().replace("\u2212", "-").replace("\u2013", "-")
    for blank in _BLANKS[1:]:
        plain = plain.replace(blank, " ")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(" ", "")
    if not _PLAIN.fullmatch(plain):
        raise OutsideValidity(
            f"'{text}' is not one number: write digits with one decimal point or comma, nothing between thousands"
            " but a blank."
        )
    value = float(plain.replace(",", "."))
    if not math.isfinite(value):
        raise OutsideValidity(f"'{text}' is too large for a number.")
    return value
