"""The words of the MiniSys controller (Risø/DTU DA-15, DA-20), pure: what is sent, and how long it takes.

Commands, arguments and times are those of two public debug logs of the Sequence Editor (controller software 2.20 and
3.24). The log shows no line end, no acknowledge and no error: those are `Framing`, and assumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Declined, Garbled, shown
from drivers.replies import Line

POSITIONS = 48
ROOM_C = 20  # from where ramps were seen to start
SETTLES_S = 5.0  # what a ramp took beyond its rate
_DATA = re.compile(rb"[0-9 .+-]+")
A_MOMENT_S, LIFTS_S, TURNS_S, MOVES_TO_SOURCE_S = 1.0, 4.0, 16.0, 20.0


@dataclass(frozen=True, slots=True)
class Framing:
    """What the log does not show. end: of a line we send; ready: the line that says that a command was carried out;
    refusal: how a line that refuses one begins; echo: whether the command comes back first.
    """

    end: bytes = b"\r"
    ready: bytes = b">"
    refusal: bytes = b"?"
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """text: as it is sent, without its end. lasts_s: the longest it was seen to take. points: counts that it gives.

    says: what the reader does meanwhile. opens_source: it exposes a sample.
    """

    text: str
    lasts_s: float
    says: str
    points: int = 0
    opens_source: bool = False


MODE = Command("MD 1", A_MOMENT_S, "setting its mode")
CLEAR = Command("CA", A_MOMENT_S, "clearing")
SUPPLY = Command("LV ON", A_MOMENT_S, "switching its supply on")
RESET_TURNTABLE = Command("TR", TURNS_S, "finding the reference of its turntable")
LIFT_UP = Command("LU", LIFTS_S, "lifting the sample")
LIFT_DOWN = Command("LD", LIFTS_S, "lowering the sample")
HEATER_OFF = Command("ST 0", LIFTS_S, "switching its heater off")
NITROGEN = {"open": Command("NO", A_MOMENT_S, "opening nitrogen"), "close": Command("NC", A_MOMENT_S, "closing it")}


def position(number: int) -> Command:
    """Bring a sample to the measuring position; a move is never longer than finding the reference."""
    return Command(f"PS {number}", TURNS_S, f"turning to position {number}")


def heat(end_c: int, rate: float, points: int, hold_c: int) -> Command:
    """Ramp to end_c at rate Cel/s while `points` counts are collected; hold_c is kept afterwards, 0: heater off."""
    text = f"TL {end_c} {rate:.2f} {points} {hold_c}"
    return Command(text, ramp_s(end_c, rate), f"heating to {end_c} Cel at {rate:.2f} Cel/s", points)


def set_temperature(to_c: int, rate: float) -> Command:
    """Heat the sample and hold it; the log has this rate without decimals where it has none."""
    return Command(f"ST {to_c} {rate:g}", ramp_s(to_c, rate), f"heating to {to_c} Cel")


def pause(seconds: int) -> Command:
    """A pause that the controller makes."""
    return Command(f"PA {seconds}", seconds + A_MOMENT_S, f"pausing {seconds} s")


def stimulation_power(percent: int) -> Command:
    """Power of the diodes, blue or infrared."""
    return Command(f"IR SET {percent}", A_MOMENT_S, f"setting stimulation to {percent} %")


def stimulate(source: str, seconds: float, points: int) -> Command:
    """Stimulate with source B (blue) or I (infrared) while `points` counts are collected."""
    what = {"B": "blue", "I": "infrared"}[source]
    text = f"OS {source} {seconds:.2f} {points}"
    return Command(text, seconds + A_MOMENT_S, f"stimulating with {what} light for {seconds:.2f} s", points)


def under_source(number: int) -> Command:
    """Bring a sample under the beta source."""
    return Command(f"BP {number}", MOVES_TO_SOURCE_S, f"moving position {number} under the source")


def irradiate(seconds: int) -> Command:
    """Irradiate what lies under the beta source."""
    return Command(f"BI {seconds}", seconds + A_MOMENT_S, f"irradiating for {seconds} s", opens_source=True)


def ramp_s(to_c: int, rate: float) -> float:
    """How long a ramp from room temperature takes."""
    return max(0, to_c - ROOM_C) / rate + SETTLES_S


@dataclass(frozen=True, slots=True)
class Answer:
    """The shape of the reply to a command: its data, where it gives some, and the line that ends it.

    That is "ready", a refusal, or whatever is neither data nor an echo: a stranger is not waited for.
    """

    framing: Framing
    text: str
    gives_data: bool

    def find(self, buffer: bytes) -> tuple[bytes, int] | None:
        """All the lines, joined by LF, once the last has come."""
        lines: list[bytes] = []
        used = 0
        while (found := Line().find(buffer[used:])) is not None:
            is_echo = self.framing.echo and not lines and found[0] == self.text.encode("ascii")
            lines.append(found[0])
            used += found[1]
            if not is_echo and not (self.gives_data and _DATA.fullmatch(found[0])):
                return b"\n".join(lines), used
        return None


def said_of(framing: Framing, text: str, reply: bytes) -> list[bytes]:
    """The lines before "ready".

    Raises Declined for a refusal with the reader's own words, Garbled for another end and for a lost echo.
    """
    *lines, last = reply.split(b"\n")
    if last.startswith(framing.refusal):
        own = shown(last[len(framing.refusal) :]).strip()
        raise Declined(f"The reader refused {text}{f': {own}' if own else ''}.", reply)
    if last != framing.ready:
        raise Garbled(f"{text} was answered with '{shown(last)}'.", reply)
    if framing.echo:
        if lines[:1] != [text.encode("ascii")]:
            raise Garbled(f"{text} was not echoed.", reply)
        del lines[0]
    return lines


def request(framing: Framing, text: str) -> bytes:
    """What is sent for a command."""
    return text.encode("ascii") + framing.end
