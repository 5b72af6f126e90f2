"""XLUM, the open exchange format of luminescence data: a curve of counts for each such curve of a record.

Known from its public description (specification 1.0.0, doi 10.5281/zenodo.7362438) and example files. Nesting is that
of XSYG. Comments, authors and file names can name a person and are left in the bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.files.xsyg_xml import Curve, NotXsyg, Record, begins_with, read
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import decimal, iso_clock

ROOT = re.compile(r"<xlum[\s>]")
COUNTS = frozenset({"cts", "counts", "cts/ch", "1/ch"})
TEMPERATURES = {"K": "K", "°C": "Cel", "degC": "Cel"}
FINISHED = ("finished", "NA", "")
MISSING = "NA"
PREHEAT = "PREHEAT_TL"
RECORD_SAYS = ("recordType", "sequenceStepNumber", "sampleCondition")
CURVE_SAYS = ("component", "detectionWindow", "filter")
SEQUENCE_SAYS = ("position", "readerName", "readerSN", "readerFW", "software")


def detect(data: bytes) -> bool:
    """Whether it is XML whose element xlum begins near the beginning."""
    return begins_with(ROOT, data)


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """A sample for each measured curve of counts; a record without one is noted, one that is not sound rejected."""
    found = new(name, "xlum", data)
    try:
        document = read(data)
    except NotXsyg as error:
        why = f"{name} is not an XLUM file that can be read: {error}."
        found.rejected.append(Rejected(Piece(0, data), why, may_complete=error.may_complete))
        return found
    if not document.records:
        why = f"{name} has no record: there is nothing in it to read."
        found.rejected.append(Rejected(Piece(0, data), why, may_complete=True))
    lenient = (Flag.NON_CONFORMING,) if document.lenient else ()
    for number, (record, piece) in enumerate(document.records, start=1):
        try:
            samples = list(_samples(name, record, piece, lenient))
        except BadRecord as bad:
            why = f"{name}, record {number}: {bad}."
            found.rejected.append(Rejected(piece, why, bad.may_complete, bad.flags))
            continue
        found.samples += samples
        if not samples:
            kind = record.attributes.get("recordType", "no recordType")
            found.notes.append(f"record {number}: {kind}, no measured curve of counts")
    return found


def _samples(name: str, record: Record, piece: Piece, flags: tuple[Flag, ...]) -> Iterator[Sample]:
    _refuse_unfinished("it", record.attributes)
    measured = [each for each in record.curves if each.attributes.get("curveType") == "measured"]
    heater = next((each for each in measured if each.attributes.get("vUnit") in TEMPERATURES), None)
    for curve in measured:
        if curve.attributes.get("vUnit") in COUNTS:
            _refuse_unfinished("its curve", curve.attributes)
            yield _sample(name, record, piece, curve, heater, flags)


def _refuse_unfinished(what: str, attributes: dict[str, str]) -> None:
    state = attributes.get("state", "")
    if state not in FINISHED:
        raise BadRecord(
            f"{what} is '{state}', not 'finished': no value", Flag.INCOMPLETE, may_complete=state != "aborted"
        )


def _sample(
    name: str, record: Record, piece: Piece, curve: Curve, heater: Curve | None, flags: tuple[Flag, ...]
) -> Sample:
    kind = record.attributes.get("recordType", "")
    signal = _values(curve)
    if not signal:
        raise BadRecord("its curve is empty", Flag.INCOMPLETE)
    wavelengths = _wavelengths(curve)
    time = _times(curve, len(signal), len(wavelengths) or 1)
    axes = {"time": axis("s", time)}
    if wavelengths:
        axes |= {"wavelength": axis("nm", wavelengths), "spectrum": axis("{counts}", signal)}
    else:
        axes["signal"] = axis("{counts}", signal)
    is_glow = kind == "TL" and not wavelengths
    if heater is not None:
        axes |= _temperature(heater, time)
    return Sample(
        kind="glow-curve" if is_glow else "curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(signal),
        raw=piece.raw,
        clock=iso_clock(curve.attributes.get("startDate", "").removesuffix("Z")),
        element="/".join(filter(None, (_said(record.sample, "name"), _said(record.sequence, "position")))) or None,
        role="preheat" if kind == PREHEAT else "sample",
        position=_said(record.sequence, "position") or None,
        reader=" ".join(filter(None, (_said(record.sequence, key) for key in ("readerName", "readerSN")))) or None,
        software=_said(record.sequence, "software") or None,
        channel=_said(curve.attributes, "component") or None,
        mode=kind,
        axes=axes,
        attributes=_attributes(record, curve),
        origin=origin(name, piece),
        flags=flags + ((Flag.INCOMPLETE,) if is_glow and heater is None else ()),
    )


def _values(curve: Curve) -> list[float]:
    """The curve's text: numbers with blanks between them, or that in base64."""
    text = "".join(curve.text).strip()
    if re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text) and re.search("[A-DF-Za-df-z=]", text):
        with suppress(binascii.Error, UnicodeDecodeError):
            text = base64.b64decode(text, validate=True).decode("ascii")
    return _numbers(text, "its curve")


def _wavelengths(curve: Curve) -> list[float]:
    """Of a spectrometer's spectra, none of any other curve. The first spectrum stands first, in the order of xValues.

    So figure 3.1 of the specification has it. The R package xlum 0.1 writes the wavelengths of a spectrum as its times,
    and no unit of x: such a file is refused.
    """
    if len(curve.attributes.get("yValues", "").split()) > 1:
        raise BadRecord("it is of a camera, whose pictures are not read")
    words = curve.attributes.get("xValues", "")
    if len(words.split()) < 2:
        return []
    unit = curve.attributes.get("xUnit", "")
    if unit != "nm":
        raise BadRecord(
            f"a spectrum whose xValues are in '{unit[:20]}', not in nm: it is not read, since there are programs that"
            " write wavelengths as times and tell no unit of x"
        )
    return _numbers(words, "its xValues")


def _times(curve: Curve, values: int, at_each: int = 1) -> list[float]:
    unit = curve.attributes.get("tUnit", "")
    if unit != "s":
        raise BadRecord(f"the times of its curve are in '{unit[:20]}', not in s")
    time = _numbers(curve.attributes.get("tValues", ""), "its tValues")
    if len(time) * at_each != values:
        at = f"{len(time)} times" if at_each == 1 else f"{len(time)} times and {at_each} wavelengths"
        raise BadRecord(f"its curve has {values} values at {at}", Flag.INCOMPLETE)
    if any(later < earlier for earlier, later in pairwise(time)):
        raise BadRecord("the times of its curve go back")
    return time


def _numbers(text: str, what: str) -> list[float]:
    values: list[float] = []
    for word in text.split():
        try:
            value = decimal(word)
        except ValueError as error:
            missing = ", which stands for a missing value" if word == MISSING else ", which is no number"
            raise BadRecord(f"{what} has {word[:40]!a}{missing}", Flag.NOT_A_NUMBER) from error
        if abs(value) >= 2**53:
            raise BadRecord(f"{what} has {word[:40]!a}, which is too large", Flag.NOT_A_NUMBER)
        values.append(int(value) if value.is_integer() else value)
    return values


def _temperature(heater: Curve, time: list[float]) -> dict[str, Axis]:
    """One column where it was measured at the times of the counts; its own two elsewhere, nothing interpolated."""
    values = _values(heater)
    times = _times(heater, len(values))
    unit = TEMPERATURES[heater.attributes["vUnit"]]
    if times == time:
        return {"temperature": axis(unit, values)}
    return {"heater-time": axis("s", times), "heater-temperature": axis(unit, values)}


def _attributes(record: Record, curve: Curve) -> dict[str, str]:
    said = {key: _said(record.attributes, key) for key in RECORD_SAYS}
    said |= {key: _said(curve.attributes, key) for key in CURVE_SAYS}
    said |= {key: _said(record.sequence, key) for key in SEQUENCE_SAYS}
    said |= {"mineral": _said(record.sample, "mineral")}
    return {key: text for key, text in said.items() if text}


def _said(attributes: dict[str, str], key: str) -> str:
    text = attributes.get(key, "")
    return "" if text == MISSING else text


XLUM = Format(
    name="xlum",
    vendor="open format",
    title="TL and OSL curves in the exchange format XLUM",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(Verified("example files of the format's authors", "values as text and in base64", "document"),),
    assumed=(
        "the file names no dosimeter: sample name and position stand for it",
        "a curve in cts is one of counts, the first in K or °C the heater's",
        "times are UTC as they are written (Z); the clock is given without a zone",
        "a state that is not told is finished",
        "spectra of a spectrometer are a curve of their own, whose sum is no dose's signal; only those in nm are read",
        "no file of a spectrometer was at hand; the order of its values is that of the specification's figure 3.1",
    ),
)
