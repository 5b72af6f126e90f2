"""The UNIDOS Tango's words, pure: requests to bytes, reply bytes to facts.

Source: an open driver whose author tried it on a real Tango (PyMeasure's ptwUNIDOS and its tests). A reply repeats the
command word; `E;nn` is an error. Fields are separated by semicolons; text is UTF-8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from drivers.errors import Declined, Garbled
from drivers.printable import hidden_in
from drivers.reading import Flag
from drivers.strict_numbers import decimal, hexadecimal, whole

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

UNKNOWN_ERROR = "unknown: it is not in the published list"
NO_PERMISSION = b"E;20"
OUT_OF_RANGE = b"E;08"
UNKNOWN_WORD = (b"E;01", b"E;51")
INNER_ERRORS = (b"E;52", b"E;54", b"E;58", b"E;96")  # TFI then says more: the unit asks itself over HTTP

STATES = frozenset(
    {"RES", "MEAS", "HOLD", "INT", "INTHLD", "ZERO", "AUTO", "AUTO_MEAS", "AUTO_HOLD", "EOM", "WAIT", "INIT"}
    | {"ERROR", "SELF_TEST", "TST"}
)
BUSY_STATES = frozenset({"ZERO", "INIT", "SELF_TEST", "TST", "ERROR"})

# Flag bits of MV. Those of the rate flag the integral beside them: what was not collected is missing in both.
FLAG_BITS = {
    0: Flag.OVERLOAD,  # current
    1: Flag.OVERLOAD,  # charge
    2: Flag.HV_FAULT,  # current
    3: Flag.HV_FAULT,  # charge
    4: Flag.LOW_SIGNAL,  # current
    5: Flag.LOW_SIGNAL,  # charge
    6: Flag.LOW_SIGNAL,  # automatic
    8: Flag.SAFETY_WARNING,  # current
    9: Flag.SAFETY_WARNING,  # charge
    11: Flag.UNCALIBRATED,
}  # 7 is unused, 10 is PTW's own, the rest undocumented: each is a doubt
FORBIDS_A_NUMBER = 0b1111

_EXPONENT = re.compile(r"E[+-][0-9]{1,2}")
_PLAIN = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")  # so long at most: 400 digits would be infinity
# Beside a prefix every published number has a point and fewer than a thousand before it (assumed of all): a point lost
# on the line, or a digit doubled, is noticed by it.
_MANTISSA = re.compile(r"-?[0-9]{1,4}\.[0-9]{1,9}")
LARGEST_MANTISSA = 1000.0
RANGES = ("VERY_LOW", "LOW", "MEDIUM", "HIGH")
_FLAGS = re.compile(r"0x[0-9A-Fa-f]{1,4}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
PREFIXES = {"a": -18, "f": -15, "p": -12, "n": -9, "\u00b5": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}
_RATE_BASES = {"A": {"": ""}, "Gy": {"s": "/s", "min": "/min", "h": "/h"}}  # a current has none, a dose rate has one
_SECONDS = {"ms": 0.001, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """An MV reply. Integral in C or Gy; rate in A, or Gy per its time base; None where the flags forbid a number.

    written: of integral and rate, the prefix and the number of decimals as they came; None of a plain zero.
    """

    state: str
    integral: float | None
    unit: str
    rate: float | None
    rate_unit: str
    time_s: float
    voltage_v: float
    flags: tuple[Flag, ...]
    bits: int
    written: tuple[tuple[str, int] | None, ...] = field(default=(), compare=False)


def request(word: str, *parameters: object) -> bytes:
    """A command with its parameters."""
    return ";".join([word, *(text_of(p) for p in parameters)]).encode("utf-8") + END


def fields(word: str, reply: bytes) -> list[str]:
    """The fields after the command word. Raises Declined for E;nn, Garbled for a reply to something else."""
    try:
        text = reply.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Garbled(f"The reply to {word} is not UTF-8 text.", reply) from error
    if found := re.fullmatch(r"E;([0-9]{2})", text):
        number = whole(found[1])
        raise Declined(
            f"The UNIDOS refused {word} with error {number:02d}: {ERRORS.get(number, UNKNOWN_ERROR)}.", reply
        )
    if (hidden := hidden_in(text)) is not None:
        raise Garbled(f"The reply to {word} holds {hidden}, which no word of this protocol has.", reply)
    first, *rest = text.split(";")
    if first != word:
        raise Garbled(f"The reply to {word} begins with '{first[:20]}'.", reply)
    return rest


def parse_measured(reply: bytes) -> Measured:
    """The 15 fields of MV (as in PyMeasure's ptwUNIDOS). Raises Garbled for anything not exactly of that form."""
    got = fields("MV", reply)
    if len(got) != 15:
        raise Garbled(f"MV has {len(got)} fields where 15 belong.", reply)
    state, *integral_fields, unit = got[:5]
    *rate_fields, r_unit, base, duration, t_unit, volts, v_unit, hexed = got[5:]
    good = (
        state in STATES
        and (unit, r_unit) in (("C", "A"), ("Gy", "Gy"))
        and base in _RATE_BASES[r_unit]
        and t_unit in _SECONDS
        and v_unit == "V"
        and _FLAGS.fullmatch(hexed)
    )
    if not good:
        raise Garbled("MV has a field that is not of its form.", reply)
    bits = hexadecimal(hexed)
    integral, rate = quantity(integral_fields, reply), quantity(rate_fields, reply)
    valued = not bits & FORBIDS_A_NUMBER
    return Measured(
        state=state,
        integral=integral if valued else None,
        unit=unit,
        rate=rate if valued else None,
        rate_unit=f"{r_unit}{_RATE_BASES[r_unit][base]}",
        time_s=_plain(duration, reply) * _SECONDS[t_unit],
        voltage_v=_plain(volts, reply),
        flags=(*_flags(bits), Flag.BUSY) if state in BUSY_STATES else _flags(bits),
        bits=bits,
        written=(_written(integral_fields), _written(rate_fields)),
    )


def parse_range(reply: bytes) -> str:
    """The reply to RGE: one of the four ranges. Raises Garbled, Declined."""
    found = parse_one("RGE", reply)
    if found not in RANGES:
        raise Garbled(f"'{found[:20]}' is no range; there are {', '.join(RANGES)}.", reply)
    return found


def rate_unit(unit: str, base: str, reply: bytes) -> str:
    """A, or Gy per time base, in UCUM. Raises Garbled."""
    if unit not in _RATE_BASES or base not in _RATE_BASES[unit]:
        raise Garbled(f"'{unit}' per '{base}' is no rate of this protocol.", reply)
    return unit + _RATE_BASES[unit][base]


def _written(parts: list[str]) -> tuple[str, int] | None:
    mantissa, _, prefix = parts
    return (prefix, len(mantissa.partition(".")[2])) if decimal(mantissa) else None


def _flags(bits: int) -> tuple[Flag, ...]:
    named = [FLAG_BITS.get(bit, Flag.UNKNOWN_STATUS) for bit in range(16) if bits >> bit & 1]
    return tuple(dict.fromkeys(named))


def quantity(parts: list[str], reply: bytes) -> float:
    """Mantissa, exponent and prefix, which says the exponent once more: where the two differ nothing is believed."""
    mantissa, exponent, prefix = parts
    if not (_MANTISSA.fullmatch(mantissa) and _EXPONENT.fullmatch(exponent)):
        raise Garbled(f"'{mantissa}{exponent}' is no number of this protocol.", reply)
    if PREFIXES.get(prefix) != whole(exponent[1:]):
        raise Garbled(f"The prefix '{prefix}' does not say what the exponent {exponent} says.", reply)
    if abs(decimal(mantissa)) > LARGEST_MANTISSA:
        raise Garbled(f"'{mantissa}' is over a thousand: it would have another prefix.", reply)
    return decimal(mantissa + exponent) + 0.0


def parse_one(word: str, reply: bytes) -> str:
    """The one value of a setting, a state or a number: bare word in, word and value out. Raises Garbled, Declined."""
    got = fields(word, reply)
    if len(got) != 1 or not got[0]:
        raise Garbled(f"{word} has {len(got)} fields where 1 belongs.", reply)
    return got[0]


def parse_state(reply: bytes) -> str:
    """The reply to S. Raises Garbled, Declined."""
    found = parse_one("S", reply)
    if found not in STATES:
        raise Garbled(f"'{found[:20]}' is no state of this protocol.", reply)
    return found


def parse_failure(reply: bytes) -> str:
    """The reply to TFI: what the unit says of the last inner failure; empty where there was none. Raises Garbled."""
    text = ";".join(fields("TFI", reply))
    return "" if text == "-" else text


def parse_action(word: str, reply: bytes) -> None:
    """The bare echo of an action. Raises Garbled, Declined."""
    if fields(word, reply):
        raise Garbled(f"{word} was answered with more than itself.", reply)


def parse_token(reply: bytes) -> bool:
    """The reply to TOK;1: whether write permission is ours. Raises Garbled, Declined."""
    got = fields("TOK", reply)
    if len(got) != 2 or got[0] != "1" or got[1] not in ("true", "false"):
        raise Garbled("The reply to TOK;1 is not TOK;1;true or TOK;1;false.", reply)
    return got[1] == "true"


def parse_device(reply: bytes) -> list[str]:
    """The reply to PTW: name, type number, firmware, hardware. Raises Garbled, Declined."""
    got = fields("PTW", reply)
    if len(got) != 4 or not all(got):
        raise Garbled(f"PTW has {len(got)} fields where 4 belong.", reply)
    return got


def parse_progress(word: str, reply: bytes) -> tuple[str, float, float]:
    """Reply to NUS (zero) or ASS (self test): status word, remaining s, total s. Only "Passed" is known as a word.

    Raises Garbled, Declined.
    """
    got = fields(word, reply)
    if len(got) < 3 or (word == "NUS" and len(got) != 3):
        raise Garbled(f"{word} has {len(got)} fields where {'3' if word == 'NUS' else 'at least 3'} belong.", reply)
    return got[0], _whole(got[1], reply) / 1000, _whole(got[2], reply) / 1000


def same_value(wanted: str, answer: str) -> bool:
    """Whether an answer is what was set: as a number where both are ("300" and "300.0"), else to the letter."""
    if _PLAIN.fullmatch(wanted) and _PLAIN.fullmatch(answer):
        return decimal(wanted) == decimal(answer)
    return wanted == answer


def text_of(parameter: object) -> str:
    """A parameter as it is written: true and false for booleans."""
    return str(parameter).lower() if isinstance(parameter, bool) else str(parameter)


def _plain(text: str, reply: bytes) -> float:
    if not _PLAIN.fullmatch(text):
        raise Garbled(f"'{text}' is no number of this protocol.", reply)
    return decimal(text) + 0.0


def _whole(text: str, reply: bytes) -> int:
    if not _WHOLE.fullmatch(text):
        raise Garbled(f"'{text}' is no whole number.", reply)
    return whole(text)
