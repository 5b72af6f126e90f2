"""Driver of the campaign's instrument, installed as somebody else's package: it gives 1, 2, 3, ..., one at a time."""

import re
from collections.abc import Sequence

from drivers import Driver, Garbled, Identity, Model, Quantity, Sample, Verified, WireSettings

NUMBER = re.compile(rb"N,([1-9]\d{0,11})")
NAME = re.compile(rb"COUNTER,([a-z0-9-]+)")


def number(line: bytes) -> int:
    """The number of a reading. Raises Garbled for anything else."""
    found = NUMBER.fullmatch(line)
    if found is None:
        raise Garbled("Not a number of this counter.", line)
    return int(found[1])


def serial(line: bytes) -> str:
    """Its serial number. Raises Garbled for anything else."""
    found = NAME.fullmatch(line)
    if found is None:
        raise Garbled("Not the identity of a counter.", line)
    return found[1].decode()


class Counter(Driver[WireSettings]):
    """Asked, it gives the next number; what was given once is never given again."""

    async def identify(self) -> Identity:
        """Who is there."""
        name = await self.wire.ask(b"ID\n", serial)
        return Identity("nobody", "COUNTER", name, "1", self.wire.heard[-1])

    async def take(self) -> Sequence[Sample]:
        """The next number, as a charge."""
        return [Sample(quantity="charge", unit="C", value=float(await self.wire.ask(b"NEXT\n", number)))]


MODEL = Model(
    name="campaign-counter",
    vendor="nobody",
    title="A counter that numbers its readings",
    transports=("tcp",),
    answers="COUNTER",
    quantities=(Quantity("charge", "C", "running"),),
    settings=WireSettings,
    driver=Counter,
    verified=(Verified("its own server", "the campaign"),),
)
