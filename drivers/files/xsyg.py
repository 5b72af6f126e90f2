"""Freiberg Instruments lexsyg: XSYG files (XML). A TL record gives glow curves, any other measured one curves.

Every measured curve of a detector is a sample of its own (channel = detector), with what the record says of itself
beside it, so that a preheat and a readout can be told apart. The measured curve of the stimulator "heating element"
is the heater's temperature. What the reader has not finished gives no value. Known from public files and an open
reader.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal

import msgspec

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.files.xsyg_columns import Columns, columns, spectra
from drivers.files.xsyg_xml import Curve, NotXsyg, Record, begins_with, read
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock

ElementFrom = Literal["sample-position", "record-name"]
READOUTS = ("TL", "OSL", "IRSL")
FINISHED = "finished"
HEATER = "heating element"
SPECTROMETER = "Spectrometer"
ROOT = re.compile(r"<Sample[\s/>]")
DERIVED_UP_TO = 256 * 1024  # bytes of a record; of a longer one the columns that can be computed again are left out
RECORD_SAYS = (
    "recordType", "sequenceStepNumber", "state", "sampleCondition", "metaIrrType", "metaIrrDuration",
    "filterCombination", "detectionWindow", "endDate",
)  # fmt: skip
SAMPLE_SAYS = ("sampleCarrier", "lexsygID", "lexStudioVersion", "firmwareVersion")  # which reader, with which software


class XsygOptions(Settings):
    """XSYG has no dosimeter id of its own: `element_from` says which of its texts stands for it."""

    element_from: ElementFrom = "sample-position"


def detect(data: bytes) -> bool:
    """Whether it is XML whose element Sample begins near the beginning."""
    return begins_with(ROOT, data)


def parse(name: str, data: bytes, options: XsygOptions) -> FileReadings:
    """A glow curve for each detector of a TL record, a curve for each of another; the rest is noted or rejected."""
    found = new(name, "xsyg", data)
    try:
        document = read(data)
    except NotXsyg as error:
        why = f"{name} is not an XSYG file that can be read: {error}."
        found.rejected.append(Rejected(Piece(0, data), why, may_complete=error.may_complete))
        return found
    if not document.sequences:
        found.rejected.append(Rejected(Piece(0, data), f"{name} has no Sequence: there is nothing in it to read."))
    elif not document.records:
        why = f"{name} has no Record: there is nothing in it to read."
        found.rejected.append(Rejected(Piece(0, data), why, may_complete=True))
    for number, (record, piece) in enumerate(document.records, start=1):
        _Reader(found, record, piece, number, document.lenient).read(options.element_from)
    return found


class _Reader:
    """Reads one record into what the file gives."""

    def __init__(self, found: FileReadings, record: Record, piece: Piece, number: int, lenient: bool) -> None:
        self._found = found
        self._record = record
        self._piece = piece
        self._number = number
        self._flags = (Flag.NON_CONFORMING,) if lenient else ()
        self._kind = record.attributes.get("recordType", "")

    def read(self, element_from: ElementFrom) -> None:
        detectors = list(_measured(self._record, "detector"))
        if not detectors and self._kind and self._kind not in READOUTS:
            self._found.notes.append(f"record {self._number}: {self._kind}, no readout")
            return
        try:
            self._whole(detectors)
            heater = self._heater() if self._kind == "TL" else None
            program = self._program()
        except BadRecord as bad:
            self._reject(bad)
            return
        for curve in detectors:
            try:
                self._found.samples.append(self._sample(curve, heater, program, element_from))
            except BadRecord as bad:
                self._reject(bad, f", detector {curve.attributes['detector']}")

    def _reject(self, bad: BadRecord, where: str = "") -> None:
        why = f"{self._found.name}, record {self._number}{where}: {bad}."
        piece = _by_its_tag(self._piece) if Flag.INCOMPLETE in bad.flags else self._piece
        self._found.rejected.append(Rejected(piece, why, bad.may_complete, bad.flags))

    def _whole(self, detectors: list[Curve]) -> None:
        """Raises BadRecord for a record that is not finished, or not there to be read."""
        _refuse_unfinished("it", self._record.attributes)
        if not self._kind:
            raise BadRecord("it has no recordType")
        if not detectors:
            raise BadRecord(f"a record of type {self._kind} without a measured detector curve")

    def _heater(self) -> Columns | None:
        for curve in _measured(self._record, "stimulator"):
            if curve.attributes["stimulator"] == HEATER:
                _refuse_unfinished("its heater curve", curve.attributes)
                return columns(curve, "heater")
        return None

    def _program(self) -> dict[str, Axis]:
        """The heating as it was programmed: break points of time and temperature; none where they cannot be read."""
        for curve in self._record.curves:
            said = curve.attributes
            if (said.get("curveType"), said.get("stimulator")) == ("predefined", HEATER):
                try:
                    points = columns(curve, "programmed heater")
                except BadRecord:  # nothing was measured with it
                    return {}
                times, temperatures = axis("s", points.times), axis("Cel", points.values)
                return {"programmed-time": times, "programmed-temperature": temperatures}
        return {}

    def _sample(
        self, curve: Curve, heater: Columns | None, program: dict[str, Axis], element_from: ElementFrom
    ) -> Sample:
        _refuse_unfinished("its curve", curve.attributes)
        signal, axes = _spectra(curve) if curve.attributes["detector"] == SPECTROMETER else _signal(curve)
        counts = total_of(signal.values)
        if not math.isfinite(counts):
            raise BadRecord("the sum of its counts is no finite number", Flag.NOT_A_NUMBER)
        is_glow = self._kind == "TL" and "signal" in axes
        if heater is not None:
            axes |= _temperature(signal, heater, derive=len(self._piece.raw) <= DERIVED_UP_TO)
        return Sample(
            kind="glow-curve" if is_glow else "curve",
            quantity="counts",
            unit="{counts}",
            value=counts,
            raw=self._piece.raw,
            clock=_clock(self._record.attributes.get("startDate")),
            element=self._element(element_from),
            position=self._record.sequence.get("position") or None,
            run=self._run(),
            reader=self._record.sample.get("lexsygID") or None,
            software=self._record.sample.get("lexStudioVersion") or None,
            channel=curve.attributes["detector"] or None,
            mode=self._kind,
            axes=axes | program,
            attributes=self._attributes(),
            origin=origin(self._found.name, self._piece),
            flags=self._flags + ((Flag.INCOMPLETE,) if is_glow and heater is None else ()),
        )

    def _element(self, element_from: ElementFrom) -> str:
        if element_from == "record-name":
            return self._record.attributes.get("name", "")
        return f"{self._record.sample.get('name', '')}/{self._record.sequence.get('position', '')}"

    def _run(self) -> str | None:
        """The run is the Sample: what lies on one carrier, begun at one time. A Sequence is a position of it."""
        said = self._record.sample
        begun = said.get("startDate", "")
        return " ".join(filter(None, (said.get("lexsygID"), begun))) if begun else None

    def _attributes(self) -> dict[str, str]:
        """What the record says of itself. Never who measured, a comment or a path: those can name a person."""
        said = {name: self._record.attributes.get(name, "") for name in RECORD_SAYS}
        said |= {"recordName": self._record.attributes.get("name", "")}
        said |= {"sequenceName": self._record.sequence.get("name", "")}
        said |= {name: self._record.sequence.get(name, "") for name in ("protocol", "position", "mineral")}
        said |= {name: self._record.sample.get(name, "") for name in SAMPLE_SAYS}
        return {name: text for name, text in said.items() if text}


def _by_its_tag(piece: Piece) -> Piece:
    """An unfinished record grows from save to save: its opening tag names it, so that it is told once."""
    said = piece.raw if piece.identity is None else piece.identity
    return msgspec.structs.replace(piece, identity=b"unfinished " + said.partition(b">")[0])


def _measured(record: Record, by: str) -> Iterator[Curve]:
    """The measured curves of a "detector" or a "stimulator"."""
    return (c for c in record.curves if by in c.attributes and c.attributes.get("curveType") == "measured")


def _refuse_unfinished(what: str, attributes: dict[str, str]) -> None:
    """Raises BadRecord where the reader says that it has not finished. What says nothing of its state is as it is."""
    state = attributes.get("state", FINISHED)
    if state != FINISHED:
        raise BadRecord(
            f"{what} is '{state}', not '{FINISHED}': no value", Flag.INCOMPLETE, may_complete=state != "aborted"
        )


def _clock(text: str | None) -> str | None:
    if text is None or not re.fullmatch(r"\d{14}", text, re.ASCII):
        return None
    try:
        return clock(text, "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _signal(curve: Curve) -> tuple[Columns, dict[str, Axis]]:
    signal = columns(curve, "detector")
    return signal, {"time": axis("s", signal.times), "signal": axis("{counts}", signal.values)}


def _spectra(curve: Curve) -> tuple[Columns, dict[str, Axis]]:
    """The sums of a spectrometer's spectra, and its columns: `spectrum` has one spectrum after the other."""
    found = spectra(curve)
    n = len(found.wavelengths_nm)
    sums = [total_of(found.counts[at : at + n]) for at in range(0, len(found.counts), n)]
    return Columns(found.times, sums), {
        "time": axis("s", found.times),
        "wavelength": axis("nm", found.wavelengths_nm),
        "spectrum": axis("{counts}", found.counts),
    }


def _temperature(signal: Columns, heater: Columns, *, derive: bool) -> dict[str, Axis]:
    """The heater's temperature: one column where it was measured at the detector's times.

    Elsewhere its own two columns, and beside them the temperature at the detector's times, which is computed from them:
    paired where both have as many points within the detector's time span, interpolated where not. Counts are never
    interpolated. Raises BadRecord for a heater trace that lies outside of the detector's time.
    """
    if heater.times == signal.times:
        return {"temperature": axis("Cel", heater.values)}
    begin, end = signal.times[0], signal.times[-1]
    inside = [(t, c) for t, c in zip(heater.times, heater.values, strict=True) if begin <= round(t, 1) <= end]
    if not inside:
        raise BadRecord("its heater trace lies outside the time of its detector")
    axes = {"heater-time": axis("s", heater.times), "heater-temperature": axis("Cel", heater.values)}
    if not derive:
        return axes
    ts, cs = [t for t, _ in inside], [c for _, c in inside]
    paired = len(inside) == len(signal.times)
    at_signal = cs if paired else [round(_interpolate(t, ts, cs), 3) for t in signal.times]
    return axes | {"temperature": axis("Cel", at_signal)}


def _interpolate(x: float, xs: list[float], ys: list[float]) -> float:
    """Linear; the end values outside."""
    n = bisect_left(xs, x)
    if n == 0:
        return ys[0]
    if n == len(xs):
        return ys[-1]
    share = (x - xs[n - 1]) / (xs[n] - xs[n - 1])
    return ys[n - 1] + share * (ys[n] - ys[n - 1])


XSYG = Format(
    name="xsyg",
    vendor="Freiberg Instruments",
    title="lexsyg TL/OSL reader, through XSYG files",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    options=XsygOptions,
    verified=(Verified("a public file of a lexsyg 14-16-01-0008", "records, curves, sums and maxima", "capture"),),
    assumed=(
        "the file names no dosimeter: sample name and position stand for it",
        "a state other than finished means that the values may still change; aborted, that they will not",
        "a record or curve that states no state is finished",
        "the reader's clock has no time zone",
        "spectra of a spectrometer are a curve of their own, whose sum is no dose's signal",
    ),
)
