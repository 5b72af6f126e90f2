"""Writing curves of counts as XLUM, the open exchange format, so that other programs can read what a reader gave."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from xml.sax.saxutils import quoteattr

from drivers.errors import Misuse
from drivers.files.records import called
from drivers.reading import Axis, Sample

UNITS = {"K": "K", "Cel": "°C"}
NOT_SAID = "NA"


def written(samples: Iterable[Sample], author: str, licence: str = "Copyright", first: int = 1) -> bytes:
    """One document: a sample for each dosimeter in turn, a record for each of its curves with counts, UTF-8, LF.

    Each needs the axes time (s) and signal ({counts}); a temperature beside them is a curve of its own, the heater's
    own trace where there is one. first: the number of the first readout, for sentences. Raises Misuse, which names the
    curve that has them not.
    """
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<xlum xmlns:xlum="http://xlum.r-luminescence.org" lang="en" formatVersion="1.0" flavour="generic"'
        f' author={quoteattr(author)} license={quoteattr(licence)} doi="NA">',
    ]
    for (element, *_), curves in groupby(enumerate(samples, start=first), lambda each: _whose(each[1])):
        parts += _sample(element or "", list(curves))
    return "\n".join([*parts, "</xlum>", ""]).encode()


def _whose(sample: Sample) -> tuple[str | None, ...]:
    return sample.element, sample.position, sample.reader, sample.software


def _sample(element: str, numbered: list[tuple[int, Sample]]) -> list[str]:
    first = numbered[0][1]
    said, reader, position = first.attributes, first.reader or "", first.position or ""
    name = element.removesuffix(f"/{position}") if position else element
    own = _attributes(
        name="" if name == position else name,
        mineral=said.get("mineral", NOT_SAID),
        latitude="",
        longitude="",
        altitude="",
        doi="",
        comment="",
        state="",
        parentID="",
    )
    sequence = _attributes(
        position=position,
        name="",
        fileName="",
        software=first.software or "",
        readerName=said.get("readerName", _without(reader, said.get("readerSN", ""))),
        readerSN=said.get("readerSN", ""),
        readerFW=said.get("readerFW", ""),
        comment="",
        state="",
        parentID="",
    )
    inside = [line for number, each in numbered for line in _record(number, each)]
    return [f" <sample{own}>", f"  <sequence{sequence}>", *inside, "  </sequence>", " </sample>"]


def _record(number: int, curve: Sample) -> list[str]:
    time, signal = curve.axes.get("time"), curve.axes.get("signal")
    if time is None or signal is None or time.unit != "s" or signal.unit != "{counts}":
        raise Misuse(f"{called(number, curve)} has no time in s and counts beside it; XLUM is not written of it.")
    step = curve.attributes.get("sequenceStepNumber", str(number))
    record = _attributes(
        recordType=curve.mode or "custom",
        comment="",
        sequenceStepNumber=step,
        sampleCondition=curve.attributes.get("sampleCondition", ""),
        state="finished",
        parentID="",
    )
    lines = [f"   <record{record}>", *_curve(curve, curve.channel or "", time, signal, "luminescence", "cts")]
    when, temperature = curve.axes.get("heater-time", time), curve.axes.get("heater-temperature")
    temperature = temperature or curve.axes.get("temperature")
    if temperature is not None:
        if temperature.unit not in UNITS:
            raise Misuse(f"{called(number, curve)} has a temperature in '{temperature.unit}'; K and Cel are written.")
        lines += _curve(curve, "thermocouple", when, temperature, "temperature", UNITS[temperature.unit])
    return [*lines, "   </record>"]


def _without(text: str, end: str) -> str:
    return text.removesuffix(f" {end}") if end else text


def _curve(sample: Sample, component: str, time: Axis, values: Axis, what: str, unit: str) -> list[str]:
    said = _attributes(
        component=component, startDate=f"{sample.clock}Z" if sample.clock else "", curveType="measured",
        duration=_text(time.values[-1:]), offset="0", xValues="0", yValues="0", tValues=_text(time.values), xLabel="",
        yLabel="", tLabel="time", vLabel=what, xUnit="", yUnit="", vUnit=unit, tUnit="s",
        detectionWindow=sample.attributes.get("detectionWindow", ""), filter=sample.attributes.get("filter", ""),
        comment="", state="finished", parentID="",
    )  # fmt: skip
    return [f"    <curve{said}>", f"     {_text(values.values)}", "    </curve>"]


def _text(values: tuple[float, ...]) -> str:
    """Numbers as they are: 17 stays 17."""
    return " ".join(map(repr, values))


def _attributes(**said: str) -> str:
    return "".join(f" {name}={quoteattr(text or NOT_SAID)}" for name, text in said.items())
