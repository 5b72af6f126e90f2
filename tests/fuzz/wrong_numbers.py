"""How many damaged replies of an electrometer give a wrong number that nobody flags.

    PYTHONPATH=.:tests python -m fuzz.wrong_numbers 100000 [SEED]

Each trial has an instrument that has just given one good reply, and damages the next one in one place, as lines do: a
bit, a digit, a byte lost, doubled or exchanged with its neighbour, a piece lost, the end of the reply before. Counted
is a value other than the true one beside no flag that the procedure blocks. Neither protocol has a check sum: a digit
that became another digit inside of what the range can give cannot be told from a reading.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from acquire.procedure.methods.collected_charge import BLOCKING
from drivers.errors import Declined, Garbled
from drivers.keithley import KEITHLEY_6517B
from drivers.ptw import PTW_UNIDOS_TANGO
from drivers.reading import Sample

Damage = Callable[[random.Random, bytes, bytes], bytes]


def _bit(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line))
    return line[:at] + bytes([line[at] ^ 1 << r.randrange(8)]) + line[at + 1 :]


def _digit(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.choice([n for n, c in enumerate(line) if chr(c).isdigit()])
    return line[:at] + str(r.randrange(10)).encode() + line[at + 1 :]


def _lost(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line))
    return line[:at] + line[at + 1 :]


def _doubled(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line))
    return line[:at] + line[at : at + 1] + line[at:]


def _exchanged(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line) - 1)
    return line[:at] + line[at + 1 : at + 2] + line[at : at + 1] + line[at + 2 :]


def _piece(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line))
    return line[:at] + line[at + r.randrange(2, 9) :]


def _spliced(r: random.Random, line: bytes, before: bytes) -> bytes:
    at = r.randrange(len(line))
    return line[:at] + before[at + r.randrange(-1, 2) :]


DAMAGES: tuple[Damage, ...] = (_bit, _digit, _lost, _doubled, _exchanged, _piece, _spliced)


class Wire:
    """Answers with what is put into it."""

    name = "wire"

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.answers: dict[bytes, bytes] = {}

    async def ask(self, query: bytes, parse: Callable[[bytes], Any], *_: object, **__: object) -> Any:
        """One reply."""
        reply = self.answers[query.strip()]
        self.heard.append(reply)
        return parse(reply)


def _6517(r: random.Random) -> tuple[Any, Wire, bytes, tuple[bytes, bytes]]:
    """A 6517B on the 20 nC range, and two replies that follow each other."""
    wire = Wire()
    driver = KEITHLEY_6517B.driver(wire, KEITHLEY_6517B.settings.model_validate({"range_si": 2e-8}))
    driver.readings.in_force = {"SENS:CHAR:RANG": 2e-8, "SENS:CHAR:RANG:AUTO": 0.0}
    n, at, nc = r.randrange(100, 50000), r.uniform(10, 9000), r.uniform(-19, 19)
    replies = [
        b"%+09.5fE-09NCOUL,%+015.6fsecs,%+06dRDNG#" % (nc + 0.3 * i, at + 0.1 * i, n + i) for i in range(2)
    ]  # fmt: skip
    return driver, wire, b":SENS:DATA:FRES?", (replies[0], replies[1])


def _unidos(r: random.Random) -> tuple[Any, Wire, bytes, tuple[bytes, bytes]]:
    """A UNIDOS Tango that measures charge in its low range, and two replies that follow each other."""
    wire = Wire()
    driver = PTW_UNIDOS_TANGO.driver(wire, PTW_UNIDOS_TANGO.settings.model_validate({}))
    driver._states_range = True
    wire.answers[b"RGE"] = b"RGE;LOW"
    nc, pa, ms = r.uniform(1, 990), r.uniform(1, 990), r.uniform(1000, 90000)
    replies = [
        b"MV;MEAS;%.4f;E-9;n;C;%.2f;E-12;p;A;;%.1f;ms;300;V;0x0" % (nc + 0.2 * i, pa + 0.1 * i, ms + 250 * i)
        for i in range(2)
    ]  # fmt: skip
    return driver, wire, b"MV", (replies[0], replies[1])


async def outcome(make: Callable[[random.Random], Any], r: random.Random) -> tuple[str, bytes, bytes]:
    """What became of one damaged reply, the reply and what it was damaged to."""
    driver, wire, query, (before, good) = make(r)
    damaged = r.choice(DAMAGES)(r, good, before)
    await _taken(driver, wire, query, before)
    other, wire_of_other, _, _ = make(random.Random(0))
    (true,) = (s.value for s in await _taken(other, wire_of_other, query, good))
    try:
        (sample,) = await _taken(driver, wire, query, damaged)
    except (Garbled, Declined):
        return "refused", good, damaged
    if sample.value is None or BLOCKING.intersection(sample.flags):
        return "flagged", good, damaged
    return ("right" if sample.value == true else "wrong"), good, damaged


async def _taken(driver: Any, wire: Wire, query: bytes, reply: bytes) -> list[Sample]:
    wire.answers[query] = reply
    return list(await driver.take())


MAKES: dict[str, Callable[[random.Random], Any]] = {"6517": _6517, "unidos": _unidos}


async def counted(name: str, count: int, seed: int) -> Counter[str]:
    """How many of the damaged replies were refused, flagged, right all the same, and wrong."""
    return Counter([what async for what, _, _ in outcomes(name, count, seed)])


async def outcomes(name: str, count: int, seed: int) -> AsyncIterator[tuple[str, bytes, bytes]]:
    """What became of each."""
    for n in range(count):
        yield await outcome(MAKES[name], random.Random(f"{seed} {name} {n}"))


def main(arguments: list[str]) -> Iterator[str]:
    """A line for each instrument."""
    count = int(arguments[0]) if arguments else 100_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    for name in MAKES:
        found = asyncio.run(counted(name, count, seed))
        yield f"{name}: {count} damaged replies, seed {seed}: {dict(sorted(found.items()))}"


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        sys.stdout.write(line + "\n")
