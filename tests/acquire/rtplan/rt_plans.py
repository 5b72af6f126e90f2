"""RT Plans as a planning system would export them, written by pydicom. Everything in them is invented."""

from __future__ import annotations

import io
import warnings
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
UID = "1.2.826.0.1.3680043.10.1.1"


def item(**values: Any) -> Dataset:
    """A data set of keywords; lists of data sets become sequences."""
    made = Dataset()
    for keyword, value in values.items():
        is_sequence = isinstance(value, list) and value and isinstance(value[0], Dataset)
        setattr(made, keyword, Sequence(value) if is_sequence else value)
    return made


def beam(
    number: int, name: str, *, energy: float = 6, gantry: Any = 0, ssd: float | None = 946, **more: Any
) -> Dataset:
    """A beam with two control points; `gantry` one angle, or the first and the last."""
    first, last = gantry if isinstance(gantry, tuple) else (gantry, None)
    points = [item(ControlPointIndex=0, NominalBeamEnergy=energy, GantryAngle=first), item(ControlPointIndex=1)]
    if ssd is not None:
        points[0].SourceToSurfaceDistance = ssd
    if last is not None:
        points[1].GantryAngle = last
    given = {
        "BeamNumber": number, "BeamName": name, "BeamType": "STATIC", "RadiationType": "PHOTON",
        "TreatmentMachineName": "LA-1", "PrimaryDosimeterUnit": "MU", "TreatmentDeliveryType": "TREATMENT",
        "NumberOfControlPoints": 2, "ControlPointSequence": points, **more,
    }  # fmt: skip
    return item(**{k: v for k, v in given.items() if v is not None})


def referenced(number: int, mu: float, dose: float | None = None, **more: Any) -> Dataset:
    """What the fraction group says of a beam."""
    made = item(ReferencedBeamNumber=number, BeamMeterset=mu, **more)
    if dose is not None:
        made.BeamDose = dose
    return made


def plan(beams: list[Dataset], group: list[Dataset], *, approval: str | None = "APPROVED", **more: Any) -> FileDataset:
    """A whole file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = more.get("SOPClassUID", RT_PLAN)
    meta.MediaStorageSOPInstanceUID = more.get("SOPInstanceUID", UID)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("plan.dcm", {}, file_meta=meta, preamble=b"\0" * 128)
    given = {
        "SOPClassUID": RT_PLAN, "SOPInstanceUID": UID, "Modality": "RTPLAN", "PatientID": "MRN-EXAMPLE-1",
        "PatientName": "EXAMPLE^ONE", "RTPlanLabel": "C v2", "ApprovalStatus": approval, "ReviewDate": "20270201",
        "ReviewTime": "101500", "ReviewerName": "EXAMPLE^TWO",
        "DoseReferenceSequence": [
            item(
                DoseReferenceNumber=1, DoseReferenceStructureType="SITE", DoseReferenceType="TARGET",
                DoseReferenceDescription="chest wall", TargetPrescriptionDose=50,
            )
        ],
        "FractionGroupSequence": [
            item(FractionGroupNumber=1, NumberOfFractionsPlanned=25, ReferencedBeamSequence=group)
        ],
        "BeamSequence": beams, **more,
    }  # fmt: skip
    for keyword, value in given.items():
        if value is not None and value != []:
            is_sequence = isinstance(value, list) and isinstance(value[0], Dataset)
            setattr(made, keyword, Sequence(value) if is_sequence else value)
    return made


def tangents(**more: Any) -> FileDataset:
    """Worked case C: two tangents, a set-up beam, an arc."""
    beams = [
        beam(1, "medial", gantry=308, ssd=946),
        beam(2, "lateral", gantry=128, ssd=931, WedgeSequence=[item(WedgeNumber=1, WedgeAngle=30, WedgeID="W30")]),
        beam(3, "kV set-up", TreatmentDeliveryType="SETUP"),
        beam(4, "arc", gantry=(181, 179), ssd=None),
    ]
    place = {"BeamDoseSpecificationPoint": [10.0, -20.0, 5.5], "BeamDosePointDepth": 52.0}
    group = [referenced(1, 122, 1.02, **place), referenced(2, 131, 0.98), referenced(3, 0), referenced(4, 210.5)]
    return plan(beams, group, **more)


def electrons(**more: Any) -> FileDataset:
    """An intraoperative electron field."""
    applicator = [item(ApplicatorID="IORT 5 cm", ApplicatorType="ELECTRON_CIRC")]
    one = beam(1, "tumour bed", energy=9, ssd=1000, RadiationType="ELECTRON", ApplicatorSequence=applicator)
    return plan([one], [referenced(1, 1500, 10.0)], RTPlanLabel="IORT", **more)


def flattening_free(**more: Any) -> FileDataset:
    """A 6 MV FFF arc."""
    mode = [item(FluenceMode="NON_STANDARD", FluenceModeID="FFF")]
    return plan([beam(1, "arc", gantry=(10, 350), PrimaryFluenceModeSequence=mode)], [referenced(1, 640.2)], **more)


def high_dose_rate(*, total_s: float = 380.0, **more: Any) -> FileDataset:
    """Worked case B: one channel with three dwells, an Ir-192 source of 40000 U."""
    points = [
        item(ControlPointIndex=n, CumulativeTimeWeight=weight, ControlPointRelativePosition=position)
        for n, (weight, position) in enumerate([(0, 1200), (40, 1200), (40, 1205), (70, 1205), (70, 1210), (100, 1210)])
    ]
    channel = item(
        ChannelNumber=1, ReferencedSourceNumber=1, ChannelTotalTime=total_s, FinalCumulativeTimeWeight=100,
        BrachyControlPointSequence=points,
    )  # fmt: skip
    source = item(
        SourceNumber=1, SourceIsotopeName="Ir-192", SourceIsotopeHalfLife=73.83, ReferenceAirKermaRate=40000,
        SourceStrengthReferenceDate="20270119", SourceStrengthReferenceTime="120000",
    )  # fmt: skip
    setup = item(ApplicationSetupNumber=1, ApplicationSetupType="FLETCHER_SUIT", ChannelSequence=[channel])
    given = {
        "RTPlanLabel": "B v1", "BrachyTreatmentTechnique": "INTRACAVITARY", "SourceSequence": [source],
        "ApplicationSetupSequence": [setup],
        "FractionGroupSequence": [item(FractionGroupNumber=1, NumberOfFractionsPlanned=4)], **more,
    }  # fmt: skip
    return plan([], [], **given)


def written(data: FileDataset, *, implicit: bool = False, deflated: bool = False) -> bytes:
    """The bytes of the file."""
    if implicit:
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    if deflated:
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    into = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data.save_as(into, enforce_file_format=True)
    return into.getvalue()
