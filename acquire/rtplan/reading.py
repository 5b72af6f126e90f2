"""The bytes of an RT Plan: bounded, uncompressed, whole, of the right kind, approved. Everything else is a sentence."""

from __future__ import annotations

import hashlib
import io
import warnings
from typing import Any

from acquire.errors import FileProblem
from acquire.rtplan.beams import beams_of, fractions_of
from acquire.rtplan.brachy import channels_of, sources_of
from acquire.rtplan.model import DoseReference, RtPlan
from acquire.rtplan.values import NotAsDicom, items, number, some, text

LARGEST = 16 * 1024 * 1024  # bytes; an arc plan has some 1 MB, a sliding window some 5 MB
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
KINDS = {
    "1.2.840.10008.5.1.4.1.1.481.8": "an RT Ion Plan, which is not read",
    "1.2.840.10008.5.1.4.1.1.481.2": "an RT Dose; the plan itself is wanted",
    "1.2.840.10008.5.1.4.1.1.481.3": "an RT Structure Set; the plan itself is wanted",
}
_DEFLATED = b"1.2.840.10008.1.2.1.99"  # a small file may inflate to any size; no planning system needs it


def read_rt_plan(body: bytes, name: str) -> RtPlan:
    """Parse and judge one file. Raises FileProblem: no DICOM, cut, another kind, not approved, a value that is none."""
    if len(body) > LARGEST:
        raise FileProblem(f"{name} has more than {LARGEST / 1e6:.0f} MB, which no RT Plan has; it is not read.")
    if _DEFLATED in body:
        raise FileProblem(f"{name} is packed (deflated transfer syntax); export it uncompressed.")
    data = _data(body, name)
    kind = text(data, "SOPClassUID")
    if kind != RT_PLAN:
        raise FileProblem(f"{name} is {KINDS.get(kind, 'no DICOM RT Plan')}.")
    approval = text(data, "ApprovalStatus")
    if approval != "APPROVED":
        raise FileProblem(
            f"{name}: its approval status is '{approval or 'not stated'}'; only an APPROVED plan is measured against."
        )
    try:
        return _plan(data, body)
    except NotAsDicom as error:
        raise FileProblem(f"{name}: {error}.") from error


def _data(body: bytes, name: str) -> Any:
    """The data set. pydicom is imported here: only this command needs it."""
    import pydicom  # noqa: PLC0415
    from pydicom.errors import InvalidDicomError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it would warn of is checked value by value, or not read
            data = pydicom.dcmread(io.BytesIO(body))
            data.walk(_touched)
    except InvalidDicomError as error:
        raise FileProblem(f"{name} is no DICOM file.") from error
    except Exception as error:  # the library's own, of bytes that are cut or were made to mislead
        raise FileProblem(f"{name} cannot be read to its end as DICOM ({type(error).__name__}); is it cut?") from error
    return data


def _touched(data: Any, element: Any) -> None:
    """Every element is decoded here, where what goes wrong is caught."""


def _plan(data: Any, body: bytes) -> RtPlan:
    beams, others = beams_of(data)
    sources, channels = sources_of(data), channels_of(data)
    if not beams and not channels:
        raise NotAsDicom("it has no treatment beam and no brachytherapy channel")
    known = {s.number for s in sources}
    if lost := [str(c.number) for c in channels if c.source not in known]:
        raise NotAsDicom(f"channel {', '.join(lost)} names a source that is not there")
    at = f"{text(data, 'ReviewDate')} {text(data, 'ReviewTime')}".strip()
    return RtPlan(
        uid=_uid(data),
        sha256=hashlib.sha256(body).hexdigest(),
        label=text(data, "RTPlanLabel"),
        approval=text(data, "ApprovalStatus"),
        approved_at=at or None,
        patient=text(data, "PatientID"),
        fractions=fractions_of(data),
        beams=tuple(beams),
        left_out=tuple(others),
        sources=tuple(sources),
        channels=tuple(channels),
        technique=text(data, "BrachyTreatmentTechnique") or None,
        references=tuple(_reference(of) for of in items(data, "DoseReferenceSequence")),
    )


def _uid(data: Any) -> str:
    uid = text(data, "SOPInstanceUID")
    if not uid or not set(uid) <= set("0123456789.") or len(uid) > 64:
        raise NotAsDicom("SOPInstanceUID is no UID")
    return uid


def _reference(of: Any) -> DoseReference:
    return DoseReference(
        number=some(of, "DoseReferenceNumber") or 0,
        structure=text(of, "DoseReferenceStructureType"),
        kind=text(of, "DoseReferenceType"),
        description=text(of, "DoseReferenceDescription"),
        prescribed_gy=number(of, "TargetPrescriptionDose"),
        maximum_gy=number(of, "OrganAtRiskMaximumDose"),
    )
