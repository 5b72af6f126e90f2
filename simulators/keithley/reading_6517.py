"""The reading string of the Keithley 6517A and 6517B, byte for byte.

The composition reproduces every published capture; that it holds for all ranges and digits is inferred. The
suffixes of channel,
temperature and humidity were never captured and are assumed. Special values are those of the 6517B reference
manual, FORMat:ELEMents.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from simulators.keithley.conversion import Conversion

ELEMENTS = ("READing", "CHANnel", "RNUMber", "UNITs", "TSTamp", "STATus", "HUMidity", "ETEMperature", "VSOurce")
DEFAULT_ELEMENTS = frozenset({"READ", "STAT", "UNIT", "TST", "RNUM"})
STORED_ELEMENTS = frozenset({"TST", "HUM", "CHAN", "ETEM", "VSO"})
SPECIAL = {"O": "+9.9E37", "L": "+9.9E37", "Z": "+9.91E37", "U": "0.00E00"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CHANNEL = "000EXTCHAN"  # assumed: the 2001/2002 print 00EXTCHAN, this manual says three digits


def temperature(conversion: Conversion) -> str:
    """Degrees Celsius, 9999.99 without a sensor; form and suffix are assumed."""
    return f"{9999.99 if conversion.temperature_c is None else conversion.temperature_c:+08.2f}C"


def humidity(conversion: Conversion) -> str:
    """Percent, 999.99 without a sensor; form and suffix are assumed."""
    return f"{999.99 if conversion.humidity_percent is None else conversion.humidity_percent:+08.2f}%"


def mantissa(value: float, full_scale: float, digits: int) -> str:
    """Signed value with seven digits, as many decimals as the range shows at ``digits``, exponent a multiple of three.

    Value and range are in the unit that follows.
    """
    exponent = 3 * math.floor(math.log10(full_scale) / 3 + 1e-9)
    whole = len(str(round(full_scale / 10.0**exponent)))
    sign = "-" if value < 0 else "+"
    figures = f"{abs(value) / 10.0**exponent:.{digits - whole}f}".zfill(8)
    return f"{sign}{figures}E{exponent:+03d}"


def stamp(conversion: Conversion, real_time: bool) -> str:
    """Relative time stamp in seconds, or time and date of the instrument's clock (two comma fields)."""
    if not real_time:
        return f"{conversion.time_s:+015.6f}secs"
    d = conversion.date
    seconds = f"{d.second:02d}.{d.microsecond // 10000:02d}"
    return f"{d.hour:02d}:{d.minute:02d}:{seconds},{d.day:02d}-{MONTHS[d.month - 1]}-{d.year:04d}"


def reading_string(conversion: Conversion, elements: Collection[str], real_time: bool = False) -> str:
    """The chosen elements in the instrument's own order, whatever order they were asked in."""
    c = conversion
    first = ""
    if "READ" in elements:
        first = SPECIAL.get(c.status) or mantissa(c.shown, c.full_scale, c.digits)
    if "STAT" in elements:
        first += c.status
    if "UNIT" in elements:
        first += c.unit
    fields = [first] if first else []
    for name, text in (
        ("TST", stamp(c, real_time)),
        ("RNUM", f"{c.number:+06d}RDNG#"),
        ("CHAN", CHANNEL),
        ("ETEM", temperature(c)),
        ("HUM", humidity(c)),
        ("VSO", f"{c.source:+09.3f}Vsrc"),
    ):
        if name in elements:
            fields.append(text)
    return ",".join(fields)


def sentinels(reply: bytes) -> list[bytes]:
    """Overflow, zero check, underflow, NaN, minus zero, decimal comma; the rest of the line stays as it was."""
    end = next((i for i, c in enumerate(reply) if c in b"NOUZRL,\r\n"), len(reply))
    number, rest = reply[:end], reply[end:]
    plain = rest[1:] if rest[:1] in (b"N", b"O", b"U", b"Z", b"R", b"L") else rest
    letter = (lambda s: s + plain) if plain != rest else (lambda _s: rest)
    minus_zero = bytes(c if c not in b"123456789" else ord("0") for c in number.partition(b"E")[0])
    return [
        b"+9.9E37" + letter(b"O"),
        b"+9.91E37" + letter(b"Z"),
        b"0.00E00" + letter(b"U"),
        b"NAN" + rest,
        b"-" + minus_zero.lstrip(b"+-") + b"E" + number.partition(b"E")[2] + rest,
        number.replace(b".", b",") + rest,
    ]
