"""Every shape of a reply under a tiny driver, through the engine, over four wires and through every fault."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest
from fleet_campaign import campaign_of
from fleet_wires import WIRES

from drivers import (
    Block,
    Checked,
    Driver,
    Exactly,
    Garbled,
    Identity,
    Line,
    Lines,
    Model,
    Quantity,
    Reply,
    Sample,
    Until,
    WireSettings,
)
from simulators import Instrument, LineFramer, Session, WireModel
from simulators import Reply as Answer

TEXT = re.compile(rb"Q(\d{8})")
NAME = re.compile(rb"N(\d{8})")


def xor(data: bytes) -> bytes:
    return b"%02X" % functools.reduce(operator.xor, data, 0)


def without_xor(line: bytes) -> bytes:
    body, _, check = line.rpartition(b"*")
    if check != xor(body):
        raise Garbled("The check sum is wrong.", line)
    return body


def without_sum(frame: bytes) -> bytes:
    if sum(frame) % 256:
        raise Garbled("The check sum is wrong.", frame)
    return frame[:-1]


OF_REPLIES = (
    "late-reply=1.5@2", "split", "glued", "half-then-silence@2", "garbage-before@p0.5", "bit-flip@p0.5",
    "duplicate@p0.5", "echo", "wrong-terminator=none", "unsolicited@p0.5", "vanish-read@2", "busy-reply@p0.5",
    "sentinel@p0.5",
)  # fmt: skip
# name: (shape, the frame an instrument puts round its nine letters, bytes that mean nothing between two replies)
SHAPES: Mapping[str, tuple[Reply, Callable[[bytes], bytes], bytes]] = {
    "line": (Line(), lambda text: text + b"\r\n", b"\r\n"),
    "line-of-its-own-end": (Line(end=b"\r\n"), lambda text: text + b"\r\n", b""),
    "lines": (Lines(3), lambda text: text[:3] + b"\n" + text[3:6] + b"\n" + text[6:] + b"\n", b"\r\n"),
    "until": (Until(b"\n> "), lambda text: text + b"\n> ", b"\r\n"),
    "exactly": (Exactly(9), lambda text: text, b""),
    "checked-line": (Checked(Line(), without_xor), lambda text: text + b"*" + xor(text) + b"\r\n", b"\r\n"),
    "checked-frame": (Checked(Exactly(10), without_sum), lambda text: text + bytes([-sum(text) % 256]), b""),
    "block": (Block(), lambda text: b"#19" + text + b"\n", b"\r\n"),
}


def tiny_driver(shape: Reply, nothing: bytes) -> type[Driver[WireSettings]]:
    class Tiny(Driver[WireSettings]):
        between: ClassVar[bytes] = nothing

        async def identify(self) -> Identity:
            number = await self.wire.ask(b"N\n", functools.partial(number_in, NAME), shape)
            return Identity("nobody", "TINY", str(number), "", self.wire.heard[-1])

        async def set_up(self) -> None:
            """Asked again at once: what ends a reply may come after the next request has gone."""
            for _ in range(3):
                await self.identify()

        async def take(self) -> Sequence[Sample]:
            number = await self.wire.ask(b"Q\n", functools.partial(number_in, TEXT), shape)
            return [Sample(quantity="charge", unit="C", value=number * 1e-12)]

    return Tiny


def number_in(form: re.Pattern[bytes], text: bytes) -> int:
    found = form.fullmatch(text.replace(b"\n", b""))
    if found is None:
        raise Garbled("Not of the form.", text)
    return int(found[1])


class SimulatedTiny(Instrument):
    """Counts its answers, so that no two are alike."""

    model = "tiny"
    banner = b"HELLO\r\n"

    def __init__(self, frame: Callable[[bytes], bytes], clock: Any, seed: int) -> None:
        super().__init__(clock, seed)
        self.frame, self.count = frame, 0

    def open_session(self) -> Session:
        return _Asked(self)

    def power_cycle(self) -> None:
        """It has no settings."""

    def is_identification(self, request: bytes) -> bool:
        return request == b"N"

    def become(self, other: str) -> None:
        raise NotImplementedError

    def front_panel(self, what: str | None = None) -> None:
        """It has no panel."""

    def busy(self) -> bytes:
        return self.frame(b"BUSY.....")

    def stray_line(self) -> bytes:
        return b"BATTERY LOW\r\n"

    def sentinels(self, reply: bytes) -> list[bytes]:
        return [self.frame(b"Q9.9E+37."), self.frame(b"QNAN.....")]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {}

    def state(self) -> dict[str, object]:
        return {"count": self.count}


class _Asked(Session):
    def __init__(self, unit: SimulatedTiny) -> None:
        self._unit, self._framer = unit, LineFramer(16)

    def feed(self, data: bytes) -> Any:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Answer | None:
        if request == b"N":
            return Answer(self._unit.frame(b"N00000042"))
        if request != b"Q":
            return None
        self._unit.count += 1
        return Answer(self._unit.frame(b"Q%08d" % (self._unit.count * 7919 % 10**8)), measurement=True)


@pytest.mark.parametrize("wire", WIRES, ids=lambda each: each.name)
@pytest.mark.parametrize("name", SHAPES)
def test_a_driver_of_any_shape_gives_no_wrong_number_and_goes_on(name: str, wire: Any) -> None:
    shape, frame, nothing = SHAPES[name]
    model = Model(
        name="tiny", vendor="nobody", title="Tiny", transports=("tcp",), quantities=(Quantity("charge", "C"),),
        settings=WireSettings, driver=tiny_driver(shape, nothing),
    )  # fmt: skip
    simulated = WireModel("tiny", "Tiny", (), (), lambda clock, seed, _: SimulatedTiny(frame, clock, seed))
    results = campaign_of(model, simulated, wire, OF_REPLIES)
    wrong = {fault: str(error) for fault, error in results.items() if error is not None}
    assert not wrong
    assert set(OF_REPLIES) < set(results)
