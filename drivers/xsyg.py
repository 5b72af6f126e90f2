"""Freiberg Instruments lexsyg: XSYG files (XML). A TL record gives a glow curve, an OSL record a curve.

Sample > Sequence > Record > Curve; the first curve of a record is the detector's, the measured one with the stimulator
"heating element" is the heater's temperature. The format is known from public files and an open reader.
"""

from __future__ import annotations

import xml.parsers.expat
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from drivers.driver import DriverInfo, Verified
from drivers.files.folder import DropFolder, FolderSettings
from drivers.files.records import FileReadings, Piece, Rejected, axis, new, now, origin
from drivers.reading import Axis, Flag, Reading

ElementFrom = Literal["sample-position", "record-name"]
OPTICAL = ("OSL", "IRSL")


class XsygSettings(FolderSettings):
    """XSYG has no dosimeter id of its own: `element_from` says which of its texts stands for it."""

    element_from: ElementFrom = "sample-position"


@dataclass(slots=True)
class _Curve:
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Record:
    attributes: dict[str, str]
    sample: dict[str, str]
    sequence: dict[str, str]
    offset: int
    end: int = 0
    curves: list[_Curve] = field(default_factory=list)


class _Bad(ValueError):
    """Something in a record is not as the format has it; the text says what."""


class _Reader:
    """Collects records with their byte offsets. Declared entities are refused: nothing needs them here."""

    def __init__(self) -> None:
        self.records: list[_Record] = []
        self.sequences = 0
        self._sample: dict[str, str] = {}
        self._sequence: dict[str, str] = {}
        self._record: _Record | None = None
        self._curve: _Curve | None = None
        self._parser = xml.parsers.expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity

    def read(self, data: bytes) -> None:
        self._parser.Parse(data, True)

    def _entity(self, *_: object) -> None:
        raise _Bad("it declares XML entities, which a reader's file never does")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rsplit(":", 1)[-1]
        if tag == "Sample":
            self._sample = attributes
        elif tag == "Sequence":
            self.sequences += 1
            self._sequence = attributes
        elif tag == "Record":
            self._record = _Record(attributes, self._sample, self._sequence, self._parser.CurrentByteIndex)
        elif tag == "Curve" and self._record is not None:
            self._curve = _Curve(attributes)

    def _end(self, tag: str) -> None:
        tag = tag.rsplit(":", 1)[-1]
        if tag == "Curve" and self._record is not None and self._curve is not None:
            self._record.curves.append(self._curve)
            self._curve = None
        elif tag == "Record" and self._record is not None:
            self._record.end = self._parser.CurrentByteIndex
            self.records.append(self._record)
            self._record = None

    def _text(self, text: str) -> None:
        if self._curve is not None:
            self._curve.text.append(text)


def parse_xsyg(name: str, data: bytes, element_from: str = "sample-position") -> FileReadings:
    """Readings of a file: a glow curve for each TL record, a curve for each OSL record, the rest noted or rejected."""
    found = new(name, "xsyg", data)
    reader = _Reader()
    try:
        reader.read(data)
    except (xml.parsers.expat.ExpatError, _Bad) as error:
        found.rejected.append(
            Rejected(Piece(0, data), f"{name} is not an XSYG file that can be read: {error}.", later=True)
        )
        return found
    if not reader.sequences:
        found.rejected.append(Rejected(Piece(0, data), f"{name} has no Sequence: there is nothing in it to read."))
    for number, record in enumerate(reader.records, start=1):
        close = data.index(b">", record.end) + 1
        piece = Piece(record.offset, data[record.offset : close])
        try:
            reading = _reading(name, piece, record, element_from)
        except _Bad as bad:
            found.rejected.append(Rejected(piece, f"{name}, record {number}: {bad}."))
            continue
        if reading is None:
            found.notes.append(f"record {number}: {record.attributes.get('recordType')}, no readout")
        else:
            found.readings.append(reading)
    return found


def _reading(name: str, piece: Piece, record: _Record, element_from: str) -> Reading | None:
    kind = record.attributes.get("recordType")
    if not kind:
        raise _Bad("it has no recordType")
    detectors = [c for c in record.curves if "detector" in c.attributes and c.attributes.get("curveType") == "measured"]
    if not detectors:
        if kind == "TL" or kind in OPTICAL:
            raise _Bad(f"a {kind} record without a measured detector curve")
        return None
    signal = detectors[0]
    if signal.attributes["detector"] == "Spectrometer":
        raise _Bad("a spectrometer curve, which is not read yet")
    times, counts = _pairs(signal)
    axes = {"time": axis("s", times), "signal": axis("{counts}", counts)}
    flags: tuple[Flag, ...] = ()
    if kind == "TL":
        heater = _heater(record)
        if heater is None:
            flags = (Flag.INCOMPLETE,)
        else:
            axes |= _with_temperature(times, counts, *heater)
    stamp, monotonic_s = now()
    return Reading(
        kind="glow-curve" if kind == "TL" else "curve",
        quantity="counts",
        unit="{counts}",
        value=sum(counts),
        raw=piece.raw,
        time=stamp,
        monotonic_s=monotonic_s,
        clock=_clock(record.attributes.get("startDate")),
        element=_element(record, element_from),
        channel=signal.attributes["detector"],
        mode=kind,
        axes=axes,
        origin=origin(name, piece),
        flags=flags,
    )


def _element(record: _Record, element_from: str) -> str:
    if element_from == "record-name":
        return record.attributes.get("name", "")
    return f"{record.sample.get('name', '')}/{record.sequence.get('position', '')}"


def _clock(text: str | None) -> str | None:
    try:
        return datetime.strptime(text or "", "%Y%m%d%H%M%S").isoformat()
    except ValueError:
        return None


def _pairs(curve: _Curve) -> tuple[list[float], list[float]]:
    """The curve's text "x,y;x,y;..." as two columns."""
    xs, ys = [], []
    for pair in "".join(curve.text).split(";"):
        if not pair.strip():
            continue
        try:
            x, y = pair.split(",")
            xs.append(float(x))
            ys.append(float(y))
        except ValueError as error:
            raise _Bad(f"its curve has '{pair.strip()[:40]}' where a pair x,y belongs") from error
    if not xs:
        raise _Bad("its detector curve is empty")
    return xs, ys


def _heater(record: _Record) -> tuple[list[float], list[float]] | None:
    for curve in record.curves:
        if curve.attributes.get("stimulator") == "heating element" and curve.attributes.get("curveType") == "measured":
            return _pairs(curve)
    return None


def _with_temperature(
    times: list[float], counts: list[float], heater_t: list[float], heater_c: list[float]
) -> dict[str, Axis]:
    """Temperature at the detector's times, or the signal at the heater's where the heater has more points.

    Within the detector's time span: detector longer, interpolate temperature; heater longer, interpolate counts;
    equal, pair them. The heater's own trace is kept beside them.
    """
    inside = [(t, c) for t, c in zip(heater_t, heater_c, strict=True) if times[0] <= round(t, 1) <= times[-1]]
    if not inside:
        raise _Bad("its heater trace lies outside the time of its detector")
    own = {"heater-time": axis("s", heater_t), "heater-temperature": axis("Cel", heater_c)}
    ts, cs = [t for t, _ in inside], [c for _, c in inside]
    if len(inside) == len(times):
        return own | {"temperature": axis("Cel", cs)}
    if len(inside) < len(times):
        return own | {"temperature": axis("Cel", [_interpolate(t, ts, cs) for t in times])}
    signal = [_interpolate(t, times, counts) for t in ts]
    return own | {"glow-temperature": axis("Cel", cs), "glow-signal": axis("{counts}", signal)}


def _interpolate(x: float, xs: list[float], ys: list[float]) -> float:
    """Linear; the end values outside."""
    n = bisect_left(xs, x)
    if n == 0:
        return ys[0]
    if n == len(xs):
        return ys[-1]
    share = (x - xs[n - 1]) / (xs[n] - xs[n - 1])
    return ys[n - 1] + share * (ys[n] - ys[n - 1])


class Xsyg(DropFolder):
    """Watches the folder into which LexStudio writes."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="xsyg",
        vendor="Freiberg Instruments",
        title="lexsyg TL/OSL reader, through XSYG files",
        transports=("dir:PATH",),
        quantities=("counts",),
        verified=(Verified("a public file of a lexsyg 14-16-01-0008", "records, curves, sums and maxima"),),
        assumed=(
            "the file names no dosimeter: sample name and position stand for it",
            "the reader's clock has no time zone",
            "spectrometer curves are not read yet",
        ),
    )
    settings_model = XsygSettings
    sniffed = "xsyg"
    settings: XsygSettings

    def parse(self, name: str, data: bytes) -> FileReadings:
        """As parse_xsyg, with the configured element text."""
        return parse_xsyg(name, data, self.settings.element_from)
