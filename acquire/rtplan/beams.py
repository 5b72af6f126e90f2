"""The treatment beams of an RT Plan, with what the fraction group says of each: MU, beam dose and its point, SSD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from acquire.rtplan.model import Beam
from acquire.rtplan.values import NotAsDicom, centimetres, items, number, place_mm, text, whole

TREATMENT = ("TREATMENT", "CONTINUATION", "")  # set-up beams and port images are no port that is measured


def beams_of(data: Any) -> tuple[list[Beam], list[str]]:
    """(treatment beams, names of the others). Raises NotAsDicom."""
    referenced = dict(_referenced(data))
    beams, others = [], []
    for of in items(data, "BeamSequence"):
        if text(of, "TreatmentDeliveryType") in TREATMENT:
            beams.append(_beam(of, referenced.get(whole(of, "BeamNumber"))))
        else:
            others.append(text(of, "BeamName") or str(whole(of, "BeamNumber")))
    if len({b.number for b in beams}) < len(beams):
        raise NotAsDicom("BeamNumber stands more than once")
    return beams, others


def fractions_of(data: Any) -> int | None:
    """The planned fractions, where there is one fraction group. Raises NotAsDicom for several: which is meant?"""
    groups = [*items(data, "FractionGroupSequence")]
    if len(groups) > 1:
        raise NotAsDicom(f"FractionGroupSequence has {len(groups)} fraction groups; a plan with one is read")
    return next((int(n) for g in groups if (n := number(g, "NumberOfFractionsPlanned")) is not None), None)


def _referenced(data: Any) -> Iterator[tuple[int, Any]]:
    for group in items(data, "FractionGroupSequence"):
        for of in items(group, "ReferencedBeamSequence"):
            yield whole(of, "ReferencedBeamNumber"), of


def _beam(of: Any, said: Any | None) -> Beam:
    points = [*items(of, "ControlPointSequence")]
    name = text(of, "BeamName") or str(whole(of, "BeamNumber"))
    radiation, unit = text(of, "RadiationType"), text(of, "PrimaryDosimeterUnit")
    if radiation not in ("PHOTON", "ELECTRON"):
        raise NotAsDicom(f"beam {name} is of {radiation or 'no stated radiation'}; photons and electrons are read")
    if unit not in ("MU", ""):
        raise NotAsDicom(f"beam {name} is metered in {unit}; MU are read")
    ssd = next((s for p in points if (s := number(p, "SourceToSurfaceDistance")) is not None), None)
    own_ssd = number(said, "BeamDosePointSSD") if said is not None else None
    energies = dict.fromkeys(e for p in points if (e := number(p, "NominalBeamEnergy")) is not None)
    return Beam(
        number=whole(of, "BeamNumber"),
        name=name,
        radiation=radiation,
        machine=text(of, "TreatmentMachineName"),
        energies=tuple(energies),
        fff=any(_not_flattened(mode) for mode in items(of, "PrimaryFluenceModeSequence")),
        gantry=_gantry(points),
        mu=number(said, "BeamMeterset") if said is not None else None,
        ssd_cm=centimetres(own_ssd if ssd is None else ssd),
        wedges=tuple(_wedge(each) for each in items(of, "WedgeSequence")),
        applicator=next((_applicator(each) for each in items(of, "ApplicatorSequence")), None),
        bolus=int(number(of, "NumberOfBoli") or 0),
        dose_gy=number(said, "BeamDose") if said is not None else None,
        dose_point_mm=place_mm(said, "BeamDoseSpecificationPoint") if said is not None else None,
        depth_cm=centimetres(number(said, "BeamDosePointDepth")) if said is not None else None,
    )


def _gantry(points: list[Any]) -> tuple[float, float] | None:
    """First and last angle that is stated: one that does not change is stated once."""
    angles = [a for p in points if (a := number(p, "GantryAngle")) is not None]
    return (angles[0], angles[-1]) if angles else None


def _not_flattened(mode: Any) -> bool:
    return text(mode, "FluenceMode") == "NON_STANDARD" and text(mode, "FluenceModeID").upper() == "FFF"


def _wedge(of: Any) -> str:
    angle = number(of, "WedgeAngle")
    stated = "" if angle is None else f" {angle:g}°"
    return f"{text(of, 'WedgeID') or text(of, 'WedgeType') or 'wedge'}{stated}"


def _applicator(of: Any) -> str:
    return f"{text(of, 'ApplicatorID')} {text(of, 'ApplicatorType')}".strip()
