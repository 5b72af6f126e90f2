"""Which stored readings and documents a result is made from, as it is kept: references with their digests.

One record for each way in which a point is measured stands beside what all have; in the JSON they are one object, and
the measurements' own ids stand in it by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from acquire.procedure.records.measured import AmbientConditions
from acquire.procedure.records.record import SPELT, Flat, Number, Record, of_plain, plain

Integrates = Literal["running", "reset", "elements", "none"]  # how an instrument adds up a charge


class Ref(Record, frozen=True, kw_only=True):
    """An entry of the store, with the SHA-256 of its bytes."""

    stream: str
    seq: int
    digest: str


Refs = tuple[Ref, ...]


class DocumentsUsed(Record, frozen=True, kw_only=True):
    """SHA-256 of the files of a session."""

    plan: str
    calibrations: str
    inventory: str


class BoundDetector(Record, frozen=True, kw_only=True):
    """The diode that lay at a port by the word of two people, and its channel where there are several.

    instrument: its own one, where the port is measured on another; stream, first_seq, last_seq: the entries of that
    instrument among which those of the port's beam are.
    """

    detector: str
    channel: str | None = None
    instrument: str | None = None
    stream: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None

    @property
    def is_across(self) -> bool:
        """Whether its charge was collected on another instrument than the port's."""
        return self.stream is not None


class ConsoleTime(Record, frozen=True, kw_only=True):
    """Total dwell time of an afterloader in s, and when."""

    total_s: Number
    treated_at: str


class PreIrradiation(Record, frozen=True, kw_only=True):
    """What a chamber received before its readings, as stated."""

    gy: Number | None
    reason: str


class AttemptTaken(Record, frozen=True, kw_only=True):
    """An attempt at an irradiation: its step, what it is for, the name of its readings, and what is wrong with it.

    changed_after: the name of the last attempt at another voltage. rests: the names of what was measured of the rest of
    its interrupted beam. background: the name of the leakage that was in force; named_only: it was measured at another
    voltage, and may be named but not taken off.
    """

    step: str
    role: str
    name: str
    problem: str | None = None
    changed_after: str | None = None
    rests: tuple[str, ...] | None = None
    background: str = "background"
    named_only: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that was measured of its beam, in order."""
        return (self.name, *(self.rests or ()))


class PartTaken(Record, frozen=True, kw_only=True):
    """What two people have said of a part of a beam, which is known by its measurement and clock (s)."""

    measurement: str
    begin_s: Number
    end_s: Number
    what: str


class RunTaken(Record, frozen=True, kw_only=True, rename=SPELT):
    """What names the reader run of elements for ever, and its quality control."""

    reader: str
    begins: str
    first: Ref
    states: str | None = None
    reader_is: str | None = None
    file: str | None = None
    offset: int | None = None
    pmt_noise: Refs | None = None
    light: Refs | None = None

    @property
    def quality(self) -> dict[str, Refs]:
        """The records of its quality control by their kind."""
        kinds = {"pmt-noise": self.pmt_noise, "reference-light": self.light}
        return {kind: refs for kind, refs in kinds.items() if refs}


class OfCharges(Record, frozen=True, kw_only=True):
    """Of a detector whose charge is collected. integrates: how its instrument added up, where that was written down.

    neighbours, elsewhere: readings of other ports' diodes on this instrument, and on others.
    """

    air: tuple[AmbientConditions, ...] | None = None
    attempts: tuple[AttemptTaken, ...] = ()
    integrates: Integrates | UnsetType | None = UNSET
    neighbours: Mapping[str, Mapping[str, Refs]] | None = None
    pre_irradiation: PreIrradiation | UnsetType | None = UNSET
    elsewhere: Mapping[str, Mapping[str, Refs]] | None = None
    parts_said: tuple[PartTaken, ...] | None = None


class TotalTaken(Record, frozen=True, kw_only=True):
    """What an electrometer kept of a beam in nC, as its driver read it later; difference and limit in percent."""

    reading: Ref
    nc: Number
    difference_percent: Number
    limit_percent: Number


class TranscribedTaken(Record, frozen=True, kw_only=True):
    """A charge in nC that was entered from a form; scan: SHA-256 of the form's picture; says: the sentence of it."""

    n: int
    form: int
    step: str
    nc: Number
    as_written: str
    read_at: str
    written_by: str
    entered_by: str
    entered_at: str
    scan: str
    says: str
    checked_by: str | None = None
    total: TotalTaken | None = None


class OfTranscribed(Record, frozen=True, kw_only=True):
    """Of a detector whose charge was read from a display while the computer was down."""

    transcribed: TranscribedTaken
    air: tuple[AmbientConditions, ...] | None = None


class OfThresholds(Record, frozen=True, kw_only=True):
    """Of a MOSFET: its readings and markers say all."""


class OfElements(Record, frozen=True, kw_only=True):
    """Of chips or dots: what counts of those that were placed, and what was read with them in their run."""

    placements: tuple[int, ...]
    elements: tuple[str, ...]
    standards: tuple[str, ...]
    controls: tuple[str, ...]
    imaging: str
    checks: tuple[str, ...] | None = None
    read_at: str | None = None
    removed: Mapping[str, str | None] | None = None
    run: RunTaken | None = None


class OfSpectrumFile(Record, frozen=True, kw_only=True):
    """SHA-256 of the file of a spectrum, None where none was given."""

    spectrum: str | None


class SelectionHead(Record, frozen=True, kw_only=True):
    """What every selection has, but for the ids of its measurements."""

    session: str
    point: str
    day: str
    documents: DocumentsUsed
    readings: Mapping[str, Refs]
    problems: tuple[str, ...]
    remarks: tuple[str, ...]
    bound: Mapping[str, BoundDetector] | None = None
    channel: str | None = None
    console: ConsoleTime | UnsetType | None = UNSET
    marks: Mapping[str, Refs] | None = None


Of = OfCharges | OfTranscribed | OfThresholds | OfElements | OfSpectrumFile
_KEYS = {
    name
    for kind in (SelectionHead, OfCharges, OfTranscribed, OfElements, OfSpectrumFile)
    for name in kind.__struct_encode_fields__
} | {"parts", "beside", "began"}  # fmt: skip


class Selection(SelectionHead, frozen=True, kw_only=True):
    """A whole selection.

    parts: those of the points that this one is the mean of; beside: of those that it could be exchanged with; began: of
    the same beam in the session in which it was interrupted.
    """

    measurements: Mapping[str, str] = {}
    of: Of | None = None
    parts: tuple[Selection, ...] | None = None
    beside: tuple[Selection, ...] | None = None
    began: Selection | None = None

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        head = SelectionHead(**{name: getattr(self, name) for name in SelectionHead.__struct_fields__})
        parts = {} if self.parts is None else {"parts": [each.plain() for each in self.parts]}
        beside = {} if self.beside is None else {"beside": [each.plain() for each in self.beside]}
        began = {} if self.began is None else {"began": self.began.plain()}
        return {**self.measurements, **plain(head, self.of), **parts, **beside, **began}


def selection_of(flat: Flat) -> Selection:
    """The inverse. Raises msgspec.ValidationError (a ValueError) for what is no selection."""
    head = of_plain(flat, SelectionHead)
    parts, beside, began = flat.get("parts"), flat.get("beside"), flat.get("began")
    return Selection(
        **{name: getattr(head, name) for name in head.__struct_fields__},
        measurements={name: value for name, value in flat.items() if name not in _KEYS},
        of=_of(flat),
        parts=None if parts is None else tuple(selection_of(each) for each in parts),
        beside=None if beside is None else tuple(selection_of(each) for each in beside),
        began=None if began is None else selection_of(began),
    )


def _of(flat: Flat) -> Of | None:
    """By the keys that only one of them has."""
    if "parts" in flat:
        return None
    if "transcribed" in flat:
        return of_plain(flat, OfTranscribed)
    if "placements" in flat:
        return of_plain(flat, OfElements)
    if "spectrum" in flat:
        return of_plain(flat, OfSpectrumFile)
    return of_plain(flat, OfCharges) if "air" in flat else OfThresholds()
