"""Writing curves of counts as XLUM, the open exchange format, so that other programs can read what a reader gave."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from drivers.errors import Misuse
from drivers.reading import Axis, Sample

UNITS = {"K": "K", "Cel": "°C"}
NOT_SAID = "NA"


def written(samples: Iterable[Sample], author: str, licence: str = "Copyright") -> bytes:
    """One document: a sample for each dosimeter, a record for each of its curves with counts, UTF-8, LF.

    Each needs the axes time (s) and signal ({counts}); a temperature beside them is a curve of its own. Raises Misuse,
    which names the curve that has them not.
    """
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<xlum xmlns:xlum="http://xlum.r-luminescence.org" lang="en" formatVersion="1.0" flavour="generic"'
        f' author={quoteattr(author)} license={quoteattr(licence)} doi="NA">',
    ]
    of: dict[str, list[Sample]] = {}
    for each in samples:
        of.setdefault(each.element or NOT_SAID, []).append(each)
    for element, curves in of.items():
        parts += _sample(element, curves)
    return "\n".join([*parts, "</xlum>", ""]).encode()


def _sample(element: str, curves: list[Sample]) -> list[str]:
    name, _, position = element.rpartition("/")
    own = _attributes(
        name=name or element,
        mineral=curves[0].attributes.get("mineral", NOT_SAID),
        latitude="",
        longitude="",
        altitude="",
        doi="",
        comment="",
        state="",
        parentID="",
    )
    said = curves[0].attributes
    sequence = _attributes(
        position=position if name else "",
        name="",
        fileName="",
        software=said.get("software", ""),
        readerName=said.get("readerName", ""),
        readerSN=said.get("readerSN", ""),
        readerFW=said.get("readerFW", ""),
        comment="",
        state="",
        parentID="",
    )
    inside = [line for number, each in enumerate(curves, start=1) for line in _record(element, number, each)]
    return [f" <sample{own}>", f"  <sequence{sequence}>", *inside, "  </sequence>", " </sample>"]


def _record(element: str, number: int, curve: Sample) -> list[str]:
    time, signal = curve.axes.get("time"), curve.axes.get("signal")
    if time is None or signal is None or time.unit != "s" or signal.unit != "{counts}":
        raise Misuse(f"Curve {number} of {element} has no time in s and counts beside it; XLUM is not written of it.")
    step = curve.attributes.get("sequenceStepNumber", str(number))
    record = _attributes(
        recordType=curve.mode or "custom",
        comment="",
        sequenceStepNumber=step,
        sampleCondition=curve.attributes.get("sampleCondition", ""),
        state="finished",
        parentID="",
    )
    lines = [f"   <record{record}>", *_curve(curve, curve.channel or "PMT", time, signal, "luminescence", "cts")]
    temperature = curve.axes.get("temperature")
    if temperature is not None:
        if temperature.unit not in UNITS:
            raise Misuse(
                f"Curve {number} of {element} has a temperature in '{temperature.unit}'; K and Cel are written."
            )
        lines += _curve(curve, "thermocouple", time, temperature, "temperature", UNITS[temperature.unit])
    return [*lines, "   </record>"]


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
