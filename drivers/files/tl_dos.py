"""TL-DOS readers (MPA NRW, TU Dortmund): one JSON object a file, with the photon counts of one readout over time.

The keys were observed in public files; what they mean is inferred. The heater has one temperature and the sample's is
not measured: there is no temperature axis. Tags and comments can name a person and are left in the bytes.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import iso_clock

ROLES = {"RaD": "sample", "PMTref": "reference-light"}
COUNTS = b'"PhCount"'
PRIVATE = ("meas_comment", "meas_tag")
ELSEWHERE = ("meas_date", "det_name")
MOST_POINTS = 20_000


def detect(data: bytes) -> bool:
    """Whether it begins as a JSON object and has the key PhCount somewhere."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and COUNTS in data


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """The one readout of a file, or why there is none."""
    found = new(name, "tl-dos", data)
    piece = Piece(0, data)
    try:
        found.samples.append(_sample(name, piece, _object(data)))
    except BadRecord as bad:
        found.rejected.append(Rejected(piece, f"{name}: {bad}.", bad.may_complete, bad.flags))
    return found


def _object(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadRecord):
            raise
        raise BadRecord(f"it is no JSON ({error})", may_complete=True) from error
    return said if isinstance(said, dict) else {}


def _refuse_constant(text: str) -> None:
    raise BadRecord(f"it has {text} where a number belongs", Flag.NOT_A_NUMBER)


def _sample(name: str, piece: Piece, said: dict[str, Any]) -> Sample:
    kind = said.get("meas_id")
    if not isinstance(kind, str) or kind not in ROLES:
        raise BadRecord(f"its meas_id is {str(kind)[:40]!a}; known are {', '.join(ROLES)}")
    signal = _counts(said, "PhCount")
    if said.get("NumValSets", len(signal)) != len(signal):
        raise BadRecord(
            f"it has {len(signal)} counts, and {str(said['NumValSets'])[:40]} by its NumValSets", Flag.INCOMPLETE
        )
    role = ROLES[kind]
    return Sample(
        kind="glow-curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(signal),
        role=role,
        raw=piece.raw,
        clock=iso_clock(at) if isinstance(at := said.get("meas_date"), str) else None,
        element=_element(said) if role == "sample" else None,
        mode="TL",
        axes=_axes(said, signal),
        attributes=_attributes(said),
        origin=origin(name, piece),
    )


def _element(said: dict[str, Any]) -> str:
    element = said.get("det_name")
    if not isinstance(element, str) or not element.strip():
        raise BadRecord("its det_name, the dosimeter, is empty", Flag.INCOMPLETE)
    return _text(element.strip())


def _text(text: str) -> str:
    """Raises BadRecord for half of a surrogate pair, which JSON can spell and nothing can hold."""
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        raise BadRecord("a text in it has half of a surrogate pair")
    return text


def _counts(said: dict[str, Any], key: str) -> list[float]:
    values = _numbers(said, key)
    if not values:
        raise BadRecord(f"its {key} is empty", Flag.INCOMPLETE)
    if any(not isinstance(each, int) or each < 0 for each in values):
        raise BadRecord(f"its {key} has something that is no number of counts", Flag.NOT_A_NUMBER)
    return values


def _numbers(said: dict[str, Any], key: str) -> list[float]:
    """A list of finite numbers, as they are written. Raises BadRecord."""
    values = said.get(key)
    if not isinstance(values, list) or len(values) > MOST_POINTS:
        raise BadRecord(f"its {key} is no list of at most {MOST_POINTS} numbers")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        raise BadRecord(f"its {key} has something that is no number", Flag.NOT_A_NUMBER)
    if not all(abs(each) < 2**53 for each in values):
        raise BadRecord(f"its {key} has a number that is too large", Flag.NOT_A_NUMBER)
    return values


def _axes(said: dict[str, Any], signal: list[float]) -> dict[str, Axis]:
    time = _numbers(said, "time_sec")
    if len(time) != len(signal):
        raise BadRecord(f"it has {len(signal)} counts and {len(time)} times", Flag.INCOMPLETE)
    if any(later <= earlier for earlier, later in pairwise(time)):
        raise BadRecord("its time_sec goes back")
    axes = {"time": axis("s", time), "signal": axis("{counts}", signal)}
    if "CurrCount" in said and len(current := _counts(said, "CurrCount")) == len(signal):
        axes["current-counts"] = axis("{counts}", current)
    return axes


def _attributes(said: dict[str, Any]) -> dict[str, str]:
    """Every number and text beside the arrays, but for what can name a person."""
    texts = {}
    for key, value in said.items():
        if key in PRIVATE or key in ELSEWHERE or isinstance(value, bool | list | dict) or value in (None, ""):
            continue
        if isinstance(value, float):
            texts[key] = f"{value:.7g}" if math.isfinite(value) else ""
        else:
            texts[key] = _text(str(value)[:200])
    return {_text(key): text for key, text in texts.items() if text}


TL_DOS = Format(
    name="tl-dos",
    vendor="MPA NRW and TU Dortmund",
    title="TL-DOS readers, through JSON files",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(Verified("public files of a reader", "counts, times, settings", "capture"),),
    assumed=(
        "what the keys mean: PhCount are photon counts of a channel, det_name the dosimeter",
        "meas_id RaD is a readout and PMTref one of the reference light",
        "CurrCount, for more light than can be counted, stands beside the photon counts and is never added",
        "the reader's clock has no time zone",
    ),
)
