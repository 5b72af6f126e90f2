"""A readout as the fields of a BINX record: those of its own record where a BIN or BINX file gave it, or else what it
says. Who measured, comments and paths are not carried over: they can name a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO

from drivers.errors import Misuse
from drivers.files.bin_layout import LAYOUTS, LTYPES
from drivers.files.bin_records import BinRecord, walk
from drivers.files.bin_writing import MADE_HERE, Described, Field
from drivers.files.records import called
from drivers.files.risoe_bin import IRRADIATED_IN_S, PRIVATE, TIMED
from drivers.reading import Axis, Sample

ZERO_CELSIUS_K = 273.15
WHOLE = frozenset("BbHhIi")
SINCE_IRRADIATION = "TIMESINCEIRR"


def described(samples: Iterable[Sample], version: int, first: int = 1) -> Iterator[Described]:
    """Each readout as drivers.files.bin_writing.written takes it. first: the number of the first, for sentences.

    Raises Misuse, which names the readout, for counts that are no whole numbers, for a type of record that Risø does
    not have, and for temperatures or times that are not even: a BINX record holds their first and last alone.
    """
    for number, sample in enumerate(samples, start=first):
        signal = sample.axes.get("signal")
        if signal is None or signal.unit != "{counts}" or not all(float(each).is_integer() for each in signal.values):
            raise Misuse(f"{called(number, sample)} has no whole counts, as a BINX record needs.")
        fields = _own(sample, version) or _said(number, sample)
        if version == 8:
            fields.setdefault("RECTYPE", 0)
        yield version, fields, [int(each) for each in signal.values]


def _own(sample: Sample, version: int) -> dict[str, Field] | None:
    """The fields of the record that gave the sample, those that the version has; None where it was no such record."""
    record = next(walk(BytesIO(sample.raw)), None)
    if not isinstance(record, BinRecord) or len(record.raw) != len(sample.raw) or sample.mode not in LTYPES:
        return None
    had, codes = record.header._asdict(), LAYOUTS[version].codes
    fields: dict[str, Field] = {
        name: int(value) if codes[name] in WHOLE else value
        for name, value in had.items()
        if name in codes and name not in PRIVATE | MADE_HERE and _holds(codes[name], value)
    }
    fields["LTYPE"] = LTYPES.index(sample.mode)
    fields.setdefault(SINCE_IRRADIATION, -1)
    if had.get("IRR_UNIT", IRRADIATED_IN_S) != IRRADIATED_IN_S:  # later versions have seconds only
        del fields["IRR_TIME"]
    return fields


def _holds(code: str, value: Field) -> bool:
    return not (code in WHOLE and isinstance(value, float)) or value.is_integer()


def _said(number: int, sample: Sample) -> dict[str, Field]:
    if sample.mode not in LTYPES:
        raise Misuse(f"{called(number, sample)} is a {sample.mode}; BINX has {', '.join(LTYPES)}.")
    day, _, time = (sample.clock or "").partition(".")[0].partition("T")
    system = re.fullmatch(r"system (\d{1,5})", sample.reader or "", re.ASCII)
    place = re.fullmatch(r"(\d{1,5})(?:/(\d{1,5}))?", sample.position or "", re.ASCII)
    element = sample.element or ""
    fields: dict[str, Field] = {
        "LTYPE": LTYPES.index(sample.mode),
        "SAMPLE": element.removesuffix(f"/{sample.position}") if place else element,
        "POSITION": int(place[1]) if place else 0,
        "GRAIN": int(place[2] or 0) if place else 0,
        "SYSTEMID": int(system[1]) if system else 0,
        "DATE": "".join(reversed(day[2:].split("-"))),
        "TIME": time.replace(":", ""),
        SINCE_IRRADIATION: -1,
    }
    return fields | _ramp(number, sample)


def _ramp(number: int, sample: Sample) -> dict[str, Field]:
    """LOW and HIGH, and of a glow curve that it is one ramp. Raises Misuse where what was measured is none."""
    if sample.mode == "TL":
        heat = sample.axes.get("temperature")
        if heat is None or heat.unit not in ("Cel", "K"):
            raise Misuse(f"{called(number, sample)} has no temperatures, as a BINX record of TL needs.")
        low, high = _ends(called(number, sample), "temperatures", heat)
        below = ZERO_CELSIUS_K if heat.unit == "K" else 0.0
        low, high = low - below, high - below
        return {"LOW": low, "HIGH": high, "AN_TEMP": high, "TOLDELAY": len(heat.values)}
    time = sample.axes.get("time")
    if sample.mode not in TIMED or time is None:
        return {}
    low, high = _ends(called(number, sample), "times", time)
    return {"LOW": low, "HIGH": high}


def _ends(where: str, what: str, axis: Axis) -> tuple[float, float]:
    """Where the first channel began and the last ended. Raises Misuse for channels that are not alike."""
    values, last = axis.values, len(axis.values) - 1
    step = (values[-1] - values[0]) / last if last else 0.0
    slack = 1e-6 * max(map(abs, values))
    if step <= 0 or any(abs(values[0] + n * step - each) > slack for n, each in enumerate(values)):
        raise Misuse(f"{where}: its {what} are not even, and a BINX record holds their first and last alone.")
    return values[0] - step, values[-1]
