"""Readouts of a file as a file of another format: written, read again, and held against what they were.

Of what the other format cannot say nothing is made up. A readout that would come back as another (its values, axes,
dosimeter, kind, time) is not written; what is merely not said is named, and so is what the other format says by itself.
Pure: readings in, bytes and sentences out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from drivers.errors import Misuse
from drivers.files.compared import added, differences, missing, missing_attributes
from drivers.files.format import Format
from drivers.files.formats import parse_file
from drivers.files.records import called
from drivers.files.targets import Target
from drivers.reading import Axis, Flag, Sample

Pairs = Sequence[tuple[Sample, Sample]]
NAMES_PEOPLE = "Comments, users and paths are not carried over: they can name a person."


@dataclass(frozen=True, slots=True)
class Converted:
    """A file, and sentences: which readouts are not in it and why, what of the others it does not say, and what it says
    that they did not. read_with: options with which it is to be read, where the usual ones do not do.
    """

    data: bytes
    readouts: int
    left_out: tuple[str, ...]
    not_said: tuple[str, ...]
    said_by_itself: tuple[str, ...]
    read_with: Mapping[str, str]


def converted(samples: Iterable[Sample], into: Target, source: Format | None = None) -> Converted:
    """The readouts as a file. source: the format they were read from, if it is known.

    Raises Misuse where none of them can be written, or where their dosimeters would not be found again.
    """
    given = list(samples)
    timed = [_timed(each) for each in given] if into.over_time else given
    fit, left_out = list(enumerate(timed)), []
    try:
        data, naming, pairs = _written(timed, into)  # as a rule all can be written
    except Misuse:
        why = [_unfit(number, each, into) for number, each in enumerate(timed, start=1)]
        left_out = [each for each in why if each]
        fit = [each for each, bad in zip(fit, why, strict=True) if not bad]
        if not fit:
            raise Misuse(left_out[0] if left_out else "There is no readout in it.") from None
        data, naming, pairs = _written([sample for _, sample in fit], into)
    computed = sum(sample is not given[n] for n, sample in fit)
    by_itself = [*_added(pairs, into)]
    if computed:
        by_itself.append(f"The times of {_of(computed, pairs)} are computed from their records' LOW, RATE and AN_TIME.")
    if into.by_itself and source is not into.format and any(now.clock for _, now in pairs):
        by_itself.append(into.by_itself)
    if naming is not into.namings[0]:
        said = " ".join(f"--option {key}={value}" for key, value in naming.items())
        by_itself.append(f"Its elements are found again when it is read with {said}.")
    read_with = {} if naming is into.namings[0] else naming
    return Converted(data, len(fit), tuple(left_out), (*_missing(pairs), NAMES_PEOPLE), tuple(by_itself), read_with)


def _written(samples: Sequence[Sample], into: Target) -> tuple[bytes, Mapping[str, str], Pairs]:
    """The file, and as of _read_again. Raises Misuse."""
    data = into.write(samples, 1)
    return data, *_read_again(data, samples, into)


def _unfit(number: int, sample: Sample, into: Target) -> str | None:
    """Why a readout cannot be written, by writing it alone and reading it again."""
    try:
        (again,) = _parsed(into.write([sample], number), into, into.namings[0], 1)
    except Misuse as error:
        return str(error)
    other = next(differences(sample, again), None)
    return other and f"{called(number, sample)} would be read back with another {other}, so it is not written."


def _read_again(data: bytes, fit: Sequence[Sample], into: Target) -> tuple[Mapping[str, str], Pairs]:
    """Each readout with what is read back, by the first naming that gives every dosimeter again. Raises Misuse."""
    lost = ""
    for naming in into.namings:
        pairs = list(zip(fit, _parsed(data, into, naming, len(fit)), strict=True))
        other = next(((was, now) for was, now in pairs if was.element != now.element), None)
        if other is None and not any(any(differences(was, now)) for was, now in pairs):
            return naming, pairs
        if other and not lost:
            lost = f": {other[0].element or 'one without a name'} would be {other[1].element or 'none'}"
    raise Misuse(f"Not every dosimeter would have its name in a {into.format.name} file{lost}.")


def _parsed(data: bytes, into: Target, naming: Mapping[str, str], number: int) -> list[Sample]:
    found = parse_file("it", data, naming, into.format)
    if found.rejected:
        raise Misuse(f"It cannot be written so that it is read again: {found.rejected[0].reason}")
    if len(found.samples) != number:
        raise Misuse(f"It cannot be written so that it is read again: of {number} readouts {len(found.samples)} are.")
    return found.samples


def _missing(pairs: Pairs) -> Iterator[str]:
    """A sentence for each thing that the readouts say and the file does not."""
    for what, number in Counter(each for pair in pairs for each in missing(*pair)).items():
        yield f"Of {_of(number, pairs)} it does not say {what}."
    names = [set(missing_attributes(*pair)) for pair in pairs]
    if any(names):
        said = ", ".join(sorted(set().union(*names)))
        yield f"Of {_of(sum(map(bool, names)), pairs)} it does not say what their records have as {said}."


def _added(pairs: Pairs, into: Target) -> Iterator[str]:
    """A sentence for each thing that the file says and the readouts do not."""
    for what, number in Counter(each for pair in pairs for each in added(*pair, into.restated)).items():
        yield f"Of {_of(number, pairs)} it says {what}, which the source does not."


def _of(number: int, pairs: Pairs) -> str:
    if len(pairs) == 1:
        return "the readout"
    return f"all {number} readouts" if number == len(pairs) else f"{number} of {len(pairs)} readouts"


def _timed(sample: Sample) -> Sample:
    """A glow curve of a BIN or BINX record with the times of its channels, where RATE and AN_TIME tell them.

    Its temperatures are computed from the same fields (a ramp, a plateau, a second ramp), so that nothing is told that
    the record does not hold.
    """
    heat, said = sample.axes.get("temperature"), sample.attributes
    if "time" in sample.axes or heat is None or Flag.NON_CONFORMING in sample.flags or "RATE" not in said:
        return sample
    low, rate, plateau_s = (float(said.get(name, 0)) for name in ("LOW", "RATE", "AN_TIME"))
    begun, held = (int(said.get(name, 0)) if said.get("VERSION") != "3" else 0 for name in ("TOLDELAY", "TOLON"))
    if rate <= 0 or (held and plateau_s <= 0):
        return sample
    late = [plateau_s * min(max(n - begun, 0), held) / held if held else 0 for n in range(1, len(heat.values) + 1)]
    times = (round((each - low) / rate + more, 6) for each, more in zip(heat.values, late, strict=True))
    return msgspec.structs.replace(sample, axes={"time": Axis(unit="s", values=tuple(times))} | sample.axes)
