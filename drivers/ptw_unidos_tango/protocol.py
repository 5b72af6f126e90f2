"""The UNIDOS Tango's words, pure: requests to bytes, reply bytes to facts.

Source: an open driver whose author tried it on a real Tango (PyMeasure's ptwUNIDOS and its tests). A reply repeats the
command word; `E;nn` is an error. Fields are separated by semicolons; text is UTF-8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled, Refused
from drivers.reading import Flag

PORT = 8123
END = b"\r\n"

ERRORS = {
    1: "syntax error or unknown command",
    2: "not allowed in this context",
    3: "not allowed at this moment",
    8: "a parameter is invalid, out of range or of the wrong format",
    12: "aborted by the user",
    16: "the command is too long",
    17: "too many parameters",
    18: "an empty parameter",
    19: "the wrong number of parameters",
    20: "no write permission: the unit must show the closed lock (viewer mode)",
    21: "a required parameter, for example the detector, was not found",
    24: "memory error, not stored",
    28: "unknown parameter",
    29: "wrong type of parameter",
    33: "the measuring module is defective",
    51: "undefined command",
    52: "wrong type in the inner response",
    54: "the inner request was denied",
    58: "wrong value in the inner response",
    96: "time-out inside the unit",
}

STATES = frozenset(
    {"RES", "MEAS", "HOLD", "INT", "INTHLD", "ZERO", "AUTO", "AUTO_MEAS", "AUTO_HOLD", "EOM", "WAIT", "INIT"}
    | {"ERROR", "SELF_TEST", "TST"}
)
BUSY_STATES = frozenset({"ZERO", "INIT", "SELF_TEST", "TST", "ERROR"})

# Flag bits of MV that concern the integral (charge or dose) and the rate; bit 7 is unused, bit 10 is PTW's own.
INTEGRAL_FLAGS = {1: Flag.OVERLOAD, 3: Flag.HV_FAULT, 5: Flag.LOW_SIGNAL, 9: Flag.SAFETY_WARNING, 11: Flag.UNCALIBRATED}
RATE_FLAGS = {0: Flag.OVERLOAD, 2: Flag.HV_FAULT}

_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?(?:E[+-]\d{1,2})?$")
_FLAGS = re.compile(r"^0x[0-9A-Fa-f]{1,4}$")
_RATE_BASES = {"": "", "s": "/s", "min": "/min", "h": "/h"}
_SECONDS = {"ms": 0.001, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """An MV reply. Integral in C or Gy; rate in A, or Gy per its time base; None where the flags forbid a number."""

    state: str
    integral: float | None
    unit: str
    rate: float | None
    rate_unit: str
    time_s: float
    voltage_v: float
    flags: tuple[Flag, ...]
    bits: int


def request(word: str, *parameters: object) -> bytes:
    """A command with its parameters."""
    return ";".join([word, *(_text(p) for p in parameters)]).encode("utf-8") + END


def _text(parameter: object) -> str:
    return str(parameter).lower() if isinstance(parameter, bool) else str(parameter)


def fields(word: str, reply: bytes) -> list[str]:
    """The fields after the command word. Raises Refused for E;nn, Garbled for a reply to something else."""
    try:
        text = reply.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Garbled(f"The reply to {word} is not UTF-8 text.", reply) from error
    if found := re.match(r"^E;(\d{2})$", text):
        number = int(found[1])
        raise Refused(f"The UNIDOS refused {word} with error {number:02d}: {ERRORS.get(number, 'unknown')}.", reply)
    first, *rest = text.split(";")
    if first != word:
        raise Garbled(f"The reply to {word} begins with '{first[:20]}'.", reply)
    return rest


def parse_measured(reply: bytes) -> Measured:
    """The reply to MV: 15 fields. Raises Garbled for anything that is not exactly of that form."""
    got = fields("MV", reply)
    if len(got) != 15:
        raise Garbled(f"MV has {len(got)} fields where 15 belong.", reply)
    state, i_mantissa, i_exp, _, unit, r_mantissa, r_exp, _, r_unit, base, duration, t_unit, volts, v_unit, hexed = got
    good = (
        state in STATES
        and (unit, r_unit) in (("C", "A"), ("Gy", "Gy"))
        and base in _RATE_BASES
        and t_unit in _SECONDS
        and v_unit == "V"
        and _FLAGS.match(hexed)
    )
    if not good:
        raise Garbled("MV has a field that is not of its form.", reply)
    bits = int(hexed, 16)
    flags = tuple(dict.fromkeys(flag for bit, flag in INTEGRAL_FLAGS.items() if bits >> bit & 1))
    valueless = bits & (1 << 1 | 1 << 3)
    rate_valueless = bits & (1 << 0 | 1 << 2)
    integral = _number(i_mantissa + i_exp, reply)
    rate = _number(r_mantissa + r_exp, reply)
    return Measured(
        state=state,
        integral=None if valueless else integral,
        unit=unit,
        rate=None if rate_valueless else rate,
        rate_unit=f"{r_unit}{_RATE_BASES[base]}",
        time_s=_number(duration, reply) * _SECONDS[t_unit],
        voltage_v=_number(volts, reply),
        flags=(*flags, Flag.BUSY) if state in BUSY_STATES else flags,
        bits=bits,
    )


def parse_progress(word: str, reply: bytes) -> tuple[str, float, float]:
    """Reply to NUS (zero) or ASS (self test): status word, remaining s, total s. Known is only "Passed" is known."""
    got = fields(word, reply)
    if len(got) < 3:
        raise Garbled(f"{word} has {len(got)} fields where at least 3 belong.", reply)
    return got[0], _number(got[1], reply) / 1000, _number(got[2], reply) / 1000


def _number(text: str, reply: bytes) -> float:
    if not _NUMBER.match(text.strip()):
        raise Garbled(f"'{text}' is no number of this protocol.", reply)
    return float(text) + 0.0
