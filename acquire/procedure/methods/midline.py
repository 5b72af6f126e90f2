"""Midline: the mean of the doses of two points, entrance and exit, times a factor of the plan."""

from __future__ import annotations

from acquire.dosimetry import Dose, midline_mean
from acquire.procedure.documents.asked import Asks
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.detector_needs import point_needs
from acquire.procedure.methods.method import Method, Sources
from acquire.procedure.methods.rows import components_of, factor_of
from acquire.procedure.records.needs import FactorNeeds


def midline_needs(sources: Sources, point: Point) -> FactorNeeds:
    """The factor f_mid of the plan. Raises Refused."""
    return point_needs(point, ("f_mid",), {})


def midline_dose(needs: FactorNeeds, sides: tuple[Dose, Dose]) -> Dose:
    """The mean of the doses of the two sides. Raises DosimetryError."""
    first, second = sides
    return midline_mean(first, second, factor_of(needs.factors["f_mid"]), components_of(needs.components))


METHOD = Method(
    name="midline",
    title="midline, calculated from",
    asks=Asks(way="mean"),
    records=(FactorNeeds, None),
    needs=midline_needs,
    dose=midline_dose,
)
