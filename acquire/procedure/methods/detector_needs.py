"""What a formula needs besides the signal where plan and certificate of a detector give it.

The same collection serves twice: with a nominal signal before the measurement (is the method fit for its tolerance?),
and with the measured one after it. Nothing has a default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Component, FactorEntry
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Detector
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.method import Sources
from acquire.procedure.records.factors import (
    CertificateConditions,
    CertificateRecord,
    ComponentRecord,
    CourseRecord,
    ExpectedRecord,
    FactorRecord,
    FadingRecord,
    LimitsRecord,
    LinearityRecord,
    PlausibleRecord,
    PolarityRecord,
    RecombinationRecord,
    SpectrumRecord,
    WindowRecord,
)
from acquire.procedure.records.needs import DetectorNeeds, FactorNeeds, Needs
from acquire.procedure.records.record import R, extended, of_document

AT_CALIBRATION = ("k_pol_q0", "k_s_q0")  # where the laboratory did not apply these corrections itself


def common_needs(point: Point) -> Needs:
    """What the plan says of a point, whatever its method."""
    return Needs(
        expected=_kept(point.expected, ExpectedRecord),
        limits=_kept(point.limits, LimitsRecord),
        plausible=_kept(point.plausible, PlausibleRecord),
        course=_kept(point.course, CourseRecord),
        surface=point.surface,
        position=point.position,
        protocol=point.protocol,
        fff=point.fff,
        components=tuple(component(each) for each in point.uncertainty),
        window=_kept(point.window, WindowRecord),
        fading=_kept(point.fading, FadingRecord),
        linearity=_kept(point.linearity, LinearityRecord),
        spectrum=_kept(point.spectrum, SpectrumRecord),
        pre_irradiation_gy=point.pre_irradiation_gy,
    )


def point_needs(point: Point, wanted: Sequence[str], of_others: Mapping[str, str]) -> FactorNeeds:
    """The same with the factors that the plan states.

    of_others: what a plan must not state, and who states it: one of the two would be left out unseen. Raises Refused
    for such a factor, or where a wanted one is missing.
    """
    for name, states in of_others.items():
        if name in point.factors:
            raise Refused(f"Point {point.id} states {name}, which {states}: take it out of the plan.")
    of_place = (*(("cf_backscatter",) if point.surface == "exit" else ()), *(("k_vol",) if point.fff else ()))
    for name in (*wanted, *of_place):
        if name not in point.factors:
            raise Refused(f"Point {point.id} has no {name}; method '{point.method}' needs it, with its source.")
    found = {name: factor(entry) for name, entry in point.factors.items()}
    return extended(common_needs(point), FactorNeeds, factors=found)


def detector_needs(
    sources: Sources,
    point: Point,
    of_point: Sequence[str],
    of_detector: Sequence[str],
    in_session: Mapping[str, bool] | None = None,
) -> DetectorNeeds:
    """The same with the factors of the detector's certificate, in the point's beam and on its side.

    in_session: factors that the certificate gives unless the session measures them (True). Raises Refused for one that
    is missing, a detector of another kind, a calibration that is over.
    """
    measured = in_session or {}
    given = f"the calibration of {point.detector} or the session gives"
    elsewhere = (*of_detector, *measured, *(AT_CALIBRATION if measured else ()))
    own = point_needs(point, of_point, dict.fromkeys(elsewhere, given))
    detector = sources.inventory.detector_named(point.detector or "")
    if detector.kind != point.asks.kind:
        raise Refused(
            f"Point {point.id} is measured by method '{point.method}', but {detector.id} is a {detector.kind}."
        )
    calibration = sources.calibrations.valid_for(detector.id, sources.on, point.beam, point.surface)
    wanted = [*of_detector, *(name for name in AT_CALIBRATION if name in calibration.factors)]
    wanted += [name for name, by_session in measured.items() if not by_session]
    found = {name: factor(calibration.factor(name)) for name in wanted}
    dose_so_far(detector, calibration)
    components = (*own.components, *(component(each) for each in calibration.uncertainty))
    return extended(
        replace(own, factors={**own.factors, **found}, components=components),
        DetectorNeeds,
        conditions=of_document(calibration.conditions, CertificateConditions),
        detector_c=point.detector_c,
        calibration=CertificateRecord(id=calibration.id, certificate=calibration.certificate),
        full_scale_nc=sources.inventory.instrument_named(point.instrument or "").full_scale_nc,
        threshold_mv=detector.threshold_mv,
        polarity=_kept(point.polarity, PolarityRecord),
        recombination=_kept(point.recombination, RecombinationRecord),
    )


def sign_is_stated(needs: DetectorNeeds, point: Point) -> None:
    """Raises Refused where the certificate does not say which sign its readings had."""
    if needs.conditions.reading is None:
        raise Refused(
            f"Calibration {needs.calibration.id} of {point.detector} does not say which sign its readings had"
            " (conditions.reading, positive or negative); without it a swapped polarity would not show."
        )


def factor(entry: FactorEntry) -> FactorRecord:
    """A factor as a result keeps it."""
    return of_document(entry, FactorRecord)


def component(part: Component) -> ComponentRecord:
    """A part of the uncertainty as a result keeps it."""
    return of_document(part, ComponentRecord)


def dose_so_far(detector: Detector, calibration: Calibration) -> None:
    """Raises Refused where a calibration has ended at a dose that the detector has received, or nobody knows it."""
    received, allowed = detector.accumulated_gy, calibration.valid_until_gy
    if allowed is not None and received is None:
        raise Refused(
            f"Calibration {calibration.id} of {detector.id} ends at {allowed:g} Gy, and the inventory does not say what"
            " the detector has received (accumulated_gy)."
        )
    if received is not None and allowed is not None and received >= allowed:
        raise Refused(
            Stop(
                "detector-dose",
                f"Calibration {calibration.id} of {detector.id} ended at {allowed:g} Gy, and the detector has received"
                f" {received:.5g} Gy{_here(detector)}: calibrate it again, or use another.",
            )
        )


def _here(detector: Detector) -> str:
    """How much of what a detector has received was measured here."""
    if not detector.measured_here_gy:
        return ""
    since = "" if detector.accumulated_on is None else f" since {detector.accumulated_on}"
    return f", {detector.measured_here_gy:.4g} Gy of it in sessions here{since}"


def _kept(written: object, kind: type[R]) -> R | None:
    return None if written is None else of_document(written, kind)
