"""A readout as it was against the same as it is read out of a file that was written of it: what would be another, what
is not said any more, and what is said beside. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import isclose

from drivers.reading import Axis, Sample

ZERO_CELSIUS_K = 273.15
MEANING = ("kind", "quantity", "unit", "role", "element_index", "mode")  # of these none may be another
SAYS = ("clock", "channel", "position", "run", "reader", "software", "elapsed_s", "range", "u")
RESTATED = frozenset({
    "VERSION", "SAMPLE", "SYSTEMID", "POSITION", "GRAIN", "LOW", "HIGH", "TOLDELAY", "TOLON", "TOLOFF", "readerName",
    "readerSN", "position", "NDISK", "state",
})  # fmt: skip # attributes that say what an axis, the element or the reader says
NOTHING = {"TIMESINCEIRR": "-1"}  # attributes that say that there is nothing to say
NARROW = 1e-6  # of the largest: single precision, which BIN and BINX have, gives seven digits


def differences(was: Sample, now: Sample) -> Iterator[str]:
    """What would come back as another. Nothing but this is no loss that a sentence could make good."""
    yield from (name.replace("_", " ") for name in MEANING if getattr(was, name) != getattr(now, name))
    if (was.value is None) != (now.value is None) or not isclose(was.value or 0, now.value or 0, rel_tol=1e-12):
        yield "value"
    for name, axis in now.axes.items():
        is_computed = name == "temperature" and name not in was.axes and "heater-temperature" in was.axes
        if not is_computed and not _is_alike(was.axes.get(name), axis):
            yield f"axis {name}"
    yield from (name for name in SAYS if _is_other(name, getattr(was, name), getattr(now, name)))
    yield from (name for name in was.also.keys() & now.also.keys() if was.also[name] != now.also[name])


def missing(was: Sample, now: Sample) -> Iterator[str]:
    """What was said and is not said now, but for attributes."""
    yield from (f"their {name.removesuffix('_s')}" for name in SAYS if getattr(was, name) and not getattr(now, name))
    if was.clock and now.clock and datetime.fromisoformat(was.clock) != datetime.fromisoformat(now.clock):
        yield "the parts of a second of their clock"
    yield from (f"the axis {name}" for name in was.axes if name not in now.axes)
    yield from (f"the {name}" for name in was.also if name not in now.also)
    yield from (f"that they are flagged {flag}" for flag in was.flags if flag not in now.flags)


def missing_attributes(was: Sample, now: Sample) -> Iterator[str]:
    """The names of attributes that are not said now, nor by another part of the readout."""
    elsewhere = _texts(now)
    for name, text in was.attributes.items():
        is_said = name in RESTATED or text in elsewhere or now.attributes.get(name) == text
        if not is_said and NOTHING.get(name) != text:
            yield name


def added(was: Sample, now: Sample, restated: frozenset[str]) -> Iterator[str]:
    """What is said now and was not. restated: further attributes that say what another part says."""
    yield from (f"{name} {getattr(now, name)}" for name in SAYS if getattr(now, name) and not getattr(was, name))
    yield from (f"{name} {also.value:g}" for name, also in now.also.items() if name not in was.also)
    elsewhere = _texts(was)
    for name, text in now.attributes.items():
        if name not in was.attributes and name not in RESTATED | restated and text not in elsewhere:
            yield f"{name} {text}"
    yield from (f"that they are flagged {flag}" for flag in now.flags if flag not in was.flags)


def _texts(sample: Sample) -> set[str]:
    """What other parts of a readout say in words; a number that is the same would be by chance."""
    said = {sample.element, sample.mode, sample.channel, sample.reader, sample.software}
    return {each for each in said if each and not each.isdigit()}


def _is_other(name: str, was: object, now: object) -> bool:
    """Whether a statement became another; a clock to the second is the same as one that is finer."""
    if not was or not now:
        return False
    if name == "clock":
        return str(was).partition(".")[0] != str(now).partition(".")[0]
    return was != now


def _is_alike(was: Axis | None, now: Axis) -> bool:
    """Whether a column is the same within what the narrowest format holds; counts to the last one."""
    if was is None or len(was.values) != len(now.values):
        return False
    below = {("K", "Cel"): ZERO_CELSIUS_K, ("Cel", "K"): -ZERO_CELSIUS_K}.get((was.unit, now.unit), 0.0)
    if was.unit != now.unit and not below:
        return False
    if was.unit == "{counts}":
        return was.values == now.values
    slack = NARROW * max(map(abs, was.values), default=0.0)
    return all(abs(a - below - b) <= slack for a, b in zip(was.values, now.values, strict=True))
