"""The MULTIDOS's data telegrams, pure: one of two channels, one of many. The block check was taken off before.

Source: as multidos_words. In the telegram of many channels `lm`, `um` and `am` are named and not explained, and the
three groups of four characters are taken as hexadecimal masks: assumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.ptw import multidos_words as words
from drivers.reading import Flag

CHANNELS = ("1", "2")
# Overload, low signal and a third one that is not explained, each with a bit for each channel.
CHANNEL_FLAGS = (Flag.OVERLOAD, Flag.LOW_SIGNAL, Flag.UNKNOWN_STATUS)
_RATIO = re.compile(r"[ +-](?:[ 0-9]{3}[0-9]\.[0-9]|####\.#|----\.-)")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a telegram; value None where there is no number."""

    name: str
    value: float | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Telegram:
    """rate: whether values are rates; time_s: None where the clock has run over; ratio: of the two, None where none."""

    rate: bool
    time_s: float | None
    state: str
    channels: tuple[Channel, ...]
    ratio: float | None = None


def parse_dual(data: bytes) -> Telegram:
    """`Dm;ttttt.ns;sss;FL;O;L;M;value;a;value;a;ratio;`. Raises Garbled, Declined."""
    text = words.text_of("D", data)
    got = text.split(";")
    if len(got) != 13 or got.pop() or not re.fullmatch(r"D[01]", got[0]):
        raise Garbled("Not a data telegram of two channels.", data)
    _, time, state, flags, over, low, third, first, digits1, second, digits2, ratio = got
    if not all(re.fullmatch(r"[0-9]", each) for each in (digits1, digits2)) or not _RATIO.fullmatch(ratio):
        raise Garbled("The data telegram has a field that is not of its form.", data)
    if not all(re.fullmatch(r"[0-3]", each) for each in (over, low, third)):
        raise Garbled("The data telegram has flags of channels that there are not.", data)
    common = words.flags_of(flags, _state(state, data), data)
    masks = [int(each) for each in (over, low, third)]
    values = [_channel(name, n, text, masks, common, data) for n, (name, text) in enumerate(_named(first, second))]
    shown = None if "#" in ratio or ratio.count("-") > 1 else float(ratio.replace(" ", ""))
    return Telegram(got[0] == "D1", words.time_of(time, data), state, tuple(values), shown)


def parse_multi(first: int, last: int, data: bytes) -> Telegram:
    """`Dmima;m;ttttt.ns;sss;FL;lm;um;am;OOOO;LLLL;MMMM;` and a value for each channel. Raises Garbled, Declined."""
    asked = f"D{first:02d}{last:02d}"
    got = words.text_of(asked, data).split(";")
    count = last - first + 1
    if len(got) != 11 + count + 1 or got.pop() or got[0] != asked or got[1] not in ("0", "1"):
        raise Garbled(f"Not a data telegram of channels {first} to {last}.", data)
    _, rate, time, state, flags, low, unit, digits, *rest = got
    if not all(re.fullmatch(r"[0-9A-Za-z-]{1,2}", each) for each in (low, unit, digits)):
        raise Garbled("The data telegram has a field that is not of its form.", data)
    if not all(re.fullmatch(r"[0-9A-F]{4}", each) for each in rest[:3]):
        raise Garbled("The data telegram has flags that are not of their form.", data)
    common = words.flags_of(flags, _state(state, data), data)
    masks = [int(each, 16) for each in rest[:3]]
    values = [_channel(str(first + n), n, text, masks, common, data) for n, text in enumerate(rest[3:])]
    return Telegram(rate == "1", words.time_of(time, data), state, tuple(values))


def _named(*values: str) -> list[tuple[str, str]]:
    return list(zip(CHANNELS, values, strict=True))


def _state(text: str, data: bytes) -> str:
    if text not in words.STATES:
        raise Garbled(f"'{text}' is no state of this protocol.", data)
    return text


def _channel(name: str, n: int, text: str, masks: list[int], common: tuple[Flag, ...], data: bytes) -> Channel:
    value = words.number_of(text, data)
    own = [flag for flag, mask in zip(CHANNEL_FLAGS, masks, strict=True) if mask >> n & 1]
    flags = tuple(dict.fromkeys([*common, *own, *([Flag.OVERLOAD] if value is None else [])]))
    return Channel(name, value, flags)
