"""A byte that was changed on the way: never another number where the protocol has a check, and where it has none, only
a digit for a digit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from drivers import Declined, Garbled, Reading
from drivers.profile.grammar import Grammar, without_check
from drivers.reading import Sample
from drivers.registry import model
from drivers.replies import Checked, Line
from simulators import SteppedClock
from simulators.probes.diode_12 import SimulatedDiode12

DIODE, MOSFET = (model(name).driver for name in ("diode-electrometer-12", "mosfet-reader-5"))
THRESHOLD = b"VT 3 MF-3 POS 06741.5 0120 OK\r\n"
Told = list[tuple[str | None, float | None, object]]


def told(samples: list[Sample]) -> Told:
    assert not any(isinstance(each, Reading) for each in samples)
    return [(each.channel, each.value, each.flags) for each in samples]


def flipped(data: bytes) -> Iterator[bytes]:
    """Every byte with every one of its bits turned, and with all of them."""
    for at in range(len(data) - 2):
        for mask in (*(1 << bit for bit in range(8)), 0xFF):
            yield data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


async def reply_of_the_simulator() -> bytes:
    unit = SimulatedDiode12(SteppedClock())
    await unit.reply("RANGE LOW")
    unit.inputs[2].expose(16.95e-9, 1.0)
    return (await unit.reply("M?")).data


def test_a_flip_in_a_reply_with_a_check_is_always_noticed() -> None:
    data = asyncio.run(reply_of_the_simulator())
    shape = Checked(Line(), without_check(DIODE.profile.line.check))
    found = shape.find(data)
    assert found is not None
    grammar = Grammar(DIODE.profile, DIODE.forms)
    good = told(grammar.reading("all", None, {"range": "LOW"}, found[0]))
    assert len(good) == 12
    noticed = 0
    for each in flipped(data):
        try:
            reply = shape.find(each)
            assert reply is not None
            grammar.count_of.clear()
            samples = grammar.reading("all", None, {"range": "LOW"}, reply[0])
        except (Garbled, Declined):
            noticed += 1
            continue
        assert told(samples) == good, each
    assert noticed > 3000


def test_a_flip_in_a_reply_without_a_check_is_noticed_but_for_a_digit_or_a_letter_of_an_id() -> None:
    grammar = Grammar(MOSFET.profile, MOSFET.forms)
    for each in flipped(THRESHOLD):
        reply = Line().find(each)
        assert reply is not None
        try:
            grammar.reading("threshold", "3", {}, reply[0])
        except (Garbled, Declined):
            continue
        ((was, now),) = [(a, b) for a, b in zip(THRESHOLD, each, strict=True) if a != b] or [(48, 48)]
        in_the_id = each.index(b" POS") == 9 and each[5:9] != THRESHOLD[5:9]
        assert in_the_id or bytes([was, now]).isdigit() or now in b"\x00\x11\x13", each
