"""The text of an XSYG curve: pairs "x,y;x,y;...", or a spectrometer's spectra "t,[c|c|...];t,[c|c|...]". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from drivers.files.records import BadRecord
from drivers.files.xsyg_xml import Curve
from drivers.reading import Flag
from drivers.strict_numbers import decimal

NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
SPECTROMETERS = "spectrometer"


@dataclass(frozen=True, slots=True)
class Columns:
    """Two columns of equal length: seconds, and what was measured then."""

    times: list[float]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Spectra:
    """Seconds, wavelengths in nm, and counts at each of them, spectrum after spectrum."""

    times: list[float]
    wavelengths_nm: list[float]
    counts: list[float]


def columns(curve: Curve, whose: str) -> Columns:
    """The curve's pairs as two columns. Raises BadRecord for anything else, and for times that go back."""
    read = [(_number(x, whose), _number(y, whose)) for x, y in _pairs(curve, whose)]
    xs, ys = [x for x, _ in read], [y for _, y in read]
    _in_order(xs, whose)
    return Columns(xs, ys)


def spectra(curve: Curve) -> Spectra:
    """The curve's spectra, each with a count for every wavelength of its wavelengthTable. Raises BadRecord."""
    table = [each for each in curve.attributes.get("wavelengthTable", "").split(";") if each.strip()]
    wavelengths = [_number(each, SPECTROMETERS) for each in table]
    times: list[float] = []
    counts: list[float] = []
    for x, text in _pairs(curve, SPECTROMETERS):
        inside = re.fullmatch(r"\s*\[([^\[\]]*)\]\s*", text)
        if inside is None:
            raise BadRecord(f"its {SPECTROMETERS} curve has {text.strip()[:40]!a} where a spectrum [c|c|...] belongs")
        spectrum = [_number(each, SPECTROMETERS) for each in inside[1].split("|")]
        if len(spectrum) != len(wavelengths):
            raise BadRecord(
                f"a spectrum of its {SPECTROMETERS} curve has {len(spectrum)} counts at {len(wavelengths)} wavelengths",
                Flag.INCOMPLETE,
            )
        times.append(_number(x, SPECTROMETERS))
        counts += spectrum
    _in_order(times, SPECTROMETERS)
    return Spectra(times, wavelengths, counts)


def _pairs(curve: Curve, whose: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind the comma of each pair; a semicolon may stand behind the last."""
    for pair in "".join(curve.text).split(";"):
        if not pair.strip():
            continue
        x, comma, y = pair.partition(",")
        if not comma:
            raise BadRecord(f"its {whose} curve has {pair.strip()[:40]!a} where a pair x,y belongs")
        yield x, y


def _in_order(times: list[float], whose: str) -> None:
    if not times:
        raise BadRecord(f"its {whose} curve is empty")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise BadRecord(f"the times of its {whose} curve go back")


def _number(text: str, whose: str) -> float:
    """As it is written: 17 stays 17. Raises BadRecord for what is no number, or none that can be held."""
    text = text.strip()
    if NUMBER.fullmatch(text):
        with suppress(ValueError):  # too large to be held
            value = decimal(text)
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
    elif not NO_NUMBER.fullmatch(text):
        raise BadRecord(f"its {whose} curve has {text[:40]!a} where a number belongs")
    raise BadRecord(f"its {whose} curve has {text[:40]!a}, which is no finite number", Flag.NOT_A_NUMBER)
