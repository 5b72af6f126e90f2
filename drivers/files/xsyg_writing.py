"""Writing curves of counts as XSYG, as the software of a lexsyg reader has them: a Record for each curve of a detector,
with the heater's measured and programmed temperature beside it.

One document holds one Sample. Where its readouts are of several, or of elements that are no sample and position, the
record's name is the element (XsygOptions.element_from is then "record-name").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

from drivers.errors import Misuse
from drivers.files.records import called
from drivers.reading import Axis, Sample

RECORD_SAYS = (
    "sequenceStepNumber", "comment", "metaIrrType", "metaIrrDuration", "sampleCondition", "filterCombination",
    "detectionWindow", "endDate",
)  # fmt: skip
ZERO_CELSIUS_K = 273.15
HEATER = 'stimulator="heating element"'
COUNTS, DEGREES = "cts [1/ch]", "T [°C]"


def written(samples: Iterable[Sample], first: int = 1) -> bytes:
    """One document, UTF-8 with a byte order mark as the reader's software writes it, LF.

    Each sample needs the axes time (s) and signal ({counts}); temperature, or the heater's own trace, in Cel or K.
    first: the number of the first readout, for sentences. Raises Misuse, which names the curve that has them not.
    """
    given = list(samples)
    name = _shared_name(given)
    said = given[0].attributes if given else {}
    reader, software = (_alike(each.reader for each in given), _alike(each.software for each in given))
    own = _attributes(
        state="finished", parentID="", name=name or "", user="", startDate=_begun(given),
        sampleCarrier=said.get("sampleCarrier", ""), lexsygID=reader, lexStudioVersion=software,
        firmwareVersion=said.get("firmwareVersion", ""), os="", comment="", savePath="",
    )  # fmt: skip
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<Sample{own}>"]
    for _, together in groupby(enumerate(given, start=first), lambda each: _sequence_of(each[1])):
        lines += _sequence(list(together), name)
    return b"\xef\xbb\xbf" + "\n".join([*lines, "</Sample>", ""]).encode()


def _shared_name(samples: Sequence[Sample]) -> str | None:
    """The sample's name where every element is one name with its place behind it."""
    names = {
        (each.element or "").removesuffix(f"/{each.position}")
        if (each.element or "").endswith(f"/{each.position}")
        else None
        for each in samples
    }
    return names.pop() if len(names) == 1 else None


def _alike(texts: Iterable[str | None]) -> str:
    found = set(texts)
    return (found.pop() or "") if len(found) == 1 else ""


def _begun(samples: Sequence[Sample]) -> str:
    """When the run began, where all are of one that an XSYG stated: reader and moment."""
    run, reader = _alike(each.run for each in samples), _alike(each.reader for each in samples)
    begun = run.removeprefix(f"{reader} " if reader else "")
    return begun if len(begun) == 14 and begun.isdecimal() else ""


def _sequence_of(sample: Sample) -> tuple[str | None, ...]:
    return (sample.position, *(sample.attributes.get(each) for each in ("sequenceName", "protocol", "mineral")))


def _sequence(numbered: Sequence[tuple[int, Sample]], name: str | None) -> list[str]:
    said = numbered[0][1].attributes
    own = _attributes(
        state="finished", parentID="", name=said.get("sequenceName", ""), position=numbered[0][1].position or "",
        comment="", startDate="", protocol=said.get("protocol", ""), mineral=said.get("mineral", ""),
    )  # fmt: skip
    inside = [line for number, each in numbered for line in _record(number, each, name)]
    return [f"  <Sequence{own}>", *inside, "  </Sequence>"]


def _record(number: int, sample: Sample, name: str | None) -> list[str]:
    time, signal = sample.axes.get("time"), sample.axes.get("signal")
    if time is None or signal is None or time.unit != "s" or signal.unit != "{counts}":
        raise Misuse(f"{called(number, sample)} has no time in s and counts beside it, as XSYG needs.")
    if not sample.mode:
        raise Misuse(f"{called(number, sample)} does not say what was done (TL, OSL), as XSYG needs.")
    stamp = (sample.clock or "").partition(".")[0].translate({ord(each): None for each in "-T:"})
    own = _attributes(
        state="finished", parentID="",
        name=sample.attributes.get("recordName", "") if name is not None else sample.element or "",
        startDate=stamp, recordType=sample.mode,
        **{each: sample.attributes.get(each, "") for each in RECORD_SAYS} | {"comment": ""},
    )  # fmt: skip
    lines = [f"    <Record{own}>"]
    lines.append(_curve(stamp, "measured", f"detector={quoteattr(sample.channel or '')}", COUNTS, time, signal))
    for kind, when, heat in _heating(number, sample):
        lines.append(_curve(stamp, kind, HEATER, DEGREES, when, heat))
    return [*lines, "    </Record>"]


def _heating(number: int, sample: Sample) -> list[tuple[str, Axis, Axis]]:
    """The programmed and the measured temperature, each with its times: what was measured, before what was computed."""
    axes = sample.axes
    found = []
    if "programmed-time" in axes:
        found.append(("predefined", axes["programmed-time"], axes["programmed-temperature"]))
    if "heater-time" in axes:
        found.append(("measured", axes["heater-time"], axes["heater-temperature"]))
    elif "temperature" in axes:
        found.append(("measured", axes["time"], axes["temperature"]))
    return [(kind, when, _in_celsius(number, sample, heat)) for kind, when, heat in found]


def _in_celsius(number: int, sample: Sample, heat: Axis) -> Axis:
    if heat.unit == "Cel":
        return heat
    if heat.unit != "K":
        raise Misuse(f"{called(number, sample)} has a temperature in '{heat.unit}'; K and Cel are written.")
    return Axis(unit="Cel", values=tuple(round(each - ZERO_CELSIUS_K, 6) for each in heat.values))


def _curve(stamp: str, kind: str, source: str, what: str, time: Axis, values: Axis) -> str:
    own = _attributes(state="finished", parentID="", startDate=stamp, curveType=kind)
    axes = _attributes(curveDescripter=f"t [s]; {what}", offset="", interval="", duration="")
    pairs = ";".join(f"{t!r},{value!r}" for t, value in zip(time.values, values.values, strict=True))
    return f"      <Curve{own} {source}{axes}>{pairs}</Curve>"


def _attributes(**said: str) -> str:
    return "".join(f" {name}={quoteattr(text)}" for name, text in said.items())
