"""The UNIDOS's records, pure: limits of the range, results of the self test, and the reads that answer in JSON.

Key names and the rule that every comma of the JSON is a semicolon on the wire are PyMeasure's; the types of values are
published nowhere, so records are passed on as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from drivers.errors import Garbled
from drivers.ptw import unidos_words as words
from drivers.strict_numbers import decimal, whole

LARGEST_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class FullScale:
    """The most that a range takes (MVM): a current in A, or a dose rate in Gy per its time base."""

    range: str
    rate: float
    rate_unit: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """One step of a range (MVR)."""

    range: str
    integral: float
    unit: str
    rate: float
    rate_unit: str


def parse_full_scale(reply: bytes) -> FullScale:
    """The reply to MVM. Raises Garbled, Declined."""
    got = words.fields("MVM", reply)
    if len(got) != 6:
        raise Garbled(f"MVM has {len(got)} fields where 6 belong.", reply)
    range_, *number, unit, base = got
    return FullScale(_range(range_, reply), words.quantity(number, reply), words.rate_unit(unit, base, reply))


def parse_resolution(reply: bytes) -> Resolution:
    """The reply to MVR. Raises Garbled, Declined."""
    got = words.fields("MVR", reply)
    if len(got) != 10:
        raise Garbled(f"MVR has {len(got)} fields where 10 belong.", reply)
    rate_unit = words.rate_unit(got[8], got[9], reply)
    if got[4] != ("C" if rate_unit == "A" else "Gy"):
        raise Garbled(f"MVR has {got[4]} beside {rate_unit}.", reply)
    integral, rate = words.quantity(got[1:4], reply), words.quantity(got[5:8], reply)
    return Resolution(_range(got[0], reply), integral, got[4], rate, rate_unit)


def parse_self_test(reply: bytes) -> dict[str, float]:
    """The charges in C that ASS gives, by the unit's own names of its ranges; empty while it gives none."""
    got = words.fields("ASS", reply)[3:]
    if len(got) % 5:
        raise Garbled(f"ASS has {len(got)} fields of results; each range has 5.", reply)
    found = {}
    for n in range(0, len(got), 5):
        label, mantissa, exponent, prefix, unit = got[n : n + 5]
        if unit != "C" or not label.isalpha() or label in found:
            raise Garbled("ASS has a result that is not of its form.", reply)
        found[label] = words.quantity([mantissa.removeprefix(" "), exponent, prefix], reply)
    return found


def parse_record(word: str, reply: bytes, guid: str | None = None) -> dict[str, Any]:
    """One record in JSON. guid: of RDR, which repeats it first. Raises Garbled, Declined."""
    found = _json(word, reply, guid)
    if not isinstance(found, dict):
        raise Garbled(f"{word} gives no record.", reply)
    return found


def parse_list(word: str, reply: bytes) -> list[dict[str, Any]]:
    """A list of records in JSON, possibly empty. Raises Garbled, Declined."""
    found = _json(word, reply, None)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Garbled(f"{word} gives no list of records.", reply)
    if len(found) > LARGEST_RECORDS:
        raise Garbled(f"{word} gives {len(found)} records; at most {LARGEST_RECORDS} are taken.", reply)
    return found


def _json(word: str, reply: bytes, guid: str | None) -> Any:
    got = words.fields(word, reply)
    if guid is not None and (not got or got.pop(0) != guid):
        raise Garbled(f"{word} gives another record than {guid}.", reply)
    try:
        return json.loads(
            ",".join(got), parse_constant=_no_number, parse_float=decimal, parse_int=whole, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        raise Garbled(f"What {word} gives is no JSON with semicolons for commas.", reply) from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _range(text: str, reply: bytes) -> str:
    if text not in words.RANGES:
        raise Garbled(f"'{text[:20]}' is no range; there are {', '.join(words.RANGES)}.", reply)
    return text
