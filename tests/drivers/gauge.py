"""A small driver of the tests' own: what it answers, raises or gives is set by each test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from drivers import (
    Declined,
    Done,
    Driver,
    Garbled,
    Identity,
    Misuse,
    Model,
    NoParameters,
    Quantity,
    Sample,
    WireSettings,
    command,
)  # fmt: skip

IDENTITY = b"GAUGE 7,4711"


def number(line: bytes) -> float:
    """The grammar: R=<digits>, or NO."""
    if line == b"NO":
        raise Declined("The gauge refused.", line)
    if line == b"FAULT":
        raise ZeroDivisionError("by nothing")
    found = re.fullmatch(rb"R=(\d+)", line)
    if found is None:
        raise Garbled("No number.", line)
    return float(found[1])


def sample(value: float, **more: Any) -> Sample:
    return Sample(**{"quantity": "charge", "unit": "C", "value": value} | more)


class Gauge(Driver[WireSettings]):
    """ID?, SET?, R? and X=."""

    async def identify(self) -> Identity:
        """ "GAUGE <model>,<serial>"."""
        model, serial = await self.wire.ask(b"ID?\n", identity)
        return Identity("ours", model, serial, "1", self.wire.heard[-1])

    async def set_up(self) -> None:
        await self.wire.send(b"SET\n")

    async def read_back(self) -> Mapping[str, Any]:
        return {"set": await self.wire.ask(b"SET?\n", number)}

    async def take(self) -> Sequence[Sample]:
        return [sample(await self.wire.ask(b"R?\n", number))]

    async def flush(self) -> Sequence[Sample]:
        return [sample(await self.wire.ask(b"F?\n", number))]

    async def resume(self) -> None:
        await self.wire.ask(b"WELL?\n", number)

    async def stand_down(self) -> None:
        await self.wire.send(b"BYE\n")

    @command("change", "Change something")
    async def change(self, p: NoParameters) -> Mapping[str, Any]:
        return {"was": await self.wire.ask(b"C?\n", number)}

    @command("hold", "Hold and give what is held")
    async def hold(self, p: NoParameters) -> Done:
        return Done({"held": True}, [sample(await self.wire.ask(b"H?\n", number))])

    @command("look", "Look at something", passive=True)
    async def look(self, p: NoParameters) -> None:
        await self.wire.ask(b"L?\n", number)

    @command("wrong", "Is misuse")
    async def wrong(self, p: NoParameters) -> None:
        raise Misuse("Not now.")


class StaleGauge(Gauge):
    """Two takes may be older than a change."""

    stale = 2


def identity(line: bytes) -> tuple[str, str]:
    found = re.fullmatch(rb"GAUGE (\w+),(\w*)", line)
    if found is None:
        raise Garbled("No gauge.", line)
    return found[1].decode(), found[2].decode()


def model(driver: Any = Gauge, **more: Any) -> Model:
    return Model(
        **{
            "name": "gauge", "vendor": "ours", "title": "Gauge", "transports": ("tcp",),
            "quantities": (Quantity("charge", "C", "running"), Quantity("current", "A")), "settings": WireSettings,
            "driver": driver, "answers": "7",
        } | more
    )  # fmt: skip


class Counting:
    """Answers as a sound gauge does: the n-th R?, F? or H? with n."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, line: str) -> bytes | None:
        if line in ("R?", "F?", "H?"):
            self.n += 1
            return b"R=%d" % self.n
        return {"ID?": IDENTITY, "SET?": b"R=1", "WELL?": b"R=1", "C?": b"R=5", "L?": b"R=6"}.get(line)
