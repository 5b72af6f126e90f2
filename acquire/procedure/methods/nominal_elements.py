"""Before anything is read: the same dose on every element, standards of unit signal, controls of none, k_L = 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from acquire.procedure.records.factors import FactorRecord
from acquire.procedure.records.measured import Elements, ElementSignalRead
from acquire.procedure.records.needs import ReaderNeeds

NOMINAL = FactorRecord(value=1.0, unit="1", u_percent=0.0, source="nominal, for planning only")
N = TypeVar("N", bound=ReaderNeeds)


def nominal_elements(
    needs: N, values: Mapping[str, float], unit: str, corrections: Mapping[str, FactorRecord]
) -> tuple[N, Elements]:
    """The elements of a point with these signals, and the needs without what only a measurement is held against."""
    made = Elements(
        elements=tuple(
            ElementSignalRead(element=name, value=values[name], unit=unit, ecc=ecc) for name, ecc in corrections.items()
        ),
        standards=(ElementSignalRead(element="-", value=100.0, unit=unit, ecc=NOMINAL),),
        controls=(ElementSignalRead(element="-", value=0.0, unit=unit, ecc=NOMINAL),),
        imaging="not stated",
    )
    needs = replace(needs, blanks=None, check=None, coefficient_range=None)
    if needs.fading is not None:
        days = needs.fading.low_days
        made = replace(made, days=dict.fromkeys(corrections, days), standard_days={"-": days})
    if needs.linearity is not None:
        line = needs.linearity
        k_l = FactorRecord(value=1.0, unit="1", u_percent=line.u_percent, source=line.source)
        needs = replace(needs, factors={**needs.factors, "k_l": k_l}, linearity=None)
    return needs, made


def signals_of_one_dose(
    needs: ReaderNeeds, per_cgy: float, corrections: Mapping[str, FactorRecord]
) -> dict[str, float]:
    """10 cGy on every element, over the reader's background."""
    background = needs.factors["background"].value if "background" in needs.factors else 0.0
    return {name: (background + 10 * per_cgy) / ecc.value for name, ecc in corrections.items()}
