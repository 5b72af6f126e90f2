"""What the simulator answered, request by request, and what became of every byte that the driver's side received."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from drivers import Declined, Garbled, InstrumentError, Reading
from drivers.link import Link
from drivers.replies import Reply as Shape
from drivers.trace import Crossing, Trace
from drivers.wire import Wire
from simulators import Clear, Instrument, Reply, Request, Session

AROUND = b"\r\n\x00\x11\x13"


class Stamped(bytes):
    """A request that remembers in which operation of the driver it was sent."""

    operation: int


@dataclass(slots=True)
class Answer:
    """What the instrument gave for one request, before any fault of the line; what it measured, if it says."""

    operation: int
    request: bytes
    data: bytes
    measures: object = None
    used: set[tuple[str, str | None]] = field(default_factory=set)


@dataclass
class Ledger:
    """operation: counts what the test asks of the driver; every answer has that of its own request.

    begun: when each operation began, by the clock that stamps readings: so it is known in which a reading was heard.
    """

    operation: int = 0
    begun: list[float] = field(default_factory=list)
    arriving: int = 0
    answers: list[Answer] = field(default_factory=list)
    shapes: dict[Shape, None] = field(default_factory=dict)  # those that the driver has asked with

    def write_for(self, instrument: Instrument) -> None:
        """Note what it answers from now on."""
        opened = instrument.open_session
        instrument.open_session = lambda: _Noted(opened(), self, instrument)  # type: ignore[method-assign]

    def next_operation(self) -> None:
        """Something else is asked of the driver."""
        self.operation += 1
        self.begun.append(time.monotonic())

    def heard_in(self, reading: Reading) -> int:
        """The operation a reading was heard in; what a failed one had heard already is given out with the next."""
        return bisect_right(self.begun, reading.monotonic_s)

    def of(self, reading: Reading, holds: Callable[[bytes, bytes], bool]) -> Answer | None:
        """The answer that a reading has, to a request of the operation it was heard in, once for each channel."""
        heard_in, of = self.heard_in(reading), (reading.quantity, reading.channel)
        for answer in reversed(self.answers):
            fits = answer.operation == heard_in and of not in answer.used
            if fits and any(holds(each, reading.raw) for each in self._payloads(answer.data)):
                answer.used.add(of)
                return answer
        return None

    def _payloads(self, data: bytes) -> list[bytes]:
        """What an answer says: all of it, or what a shape leaves when its frame is taken off."""
        found = []
        for shape in self.shapes:
            with suppress(Garbled):
                found.append(shape.find(data))
        return [data, *(each[0] for each in found if each is not None)]


class _Noted(Session):
    def __init__(self, inner: Session, ledger: Ledger, instrument: Instrument) -> None:
        self._inner, self._ledger, self._instrument = inner, ledger, instrument

    def feed(self, data: bytes) -> list[Request | Clear]:
        return [self._stamped(each) for each in self._inner.feed(data)]

    def _stamped(self, event: Request | Clear) -> Request | Clear:
        if isinstance(event, Clear):
            return event
        request = Stamped(event.data)
        request.operation = self._ledger.arriving
        return Request(request)

    async def answer(self, request: bytes) -> Reply | None:
        reply = await self._inner.answer(request)
        if reply is not None and reply.measurement:
            operation = getattr(request, "operation", 0)
            measures = self._instrument.state().get("function")
            self._ledger.answers.append(Answer(operation, bytes(request), reply.data, measures))
        return reply

    def close(self) -> None:
        self._inner.close()


def same(payload: bytes, raw: bytes) -> bool:
    """Whether a reading's raw bytes are what an answer carries, whole."""
    return payload.strip(AROUND) == raw.strip(AROUND)


@dataclass
class Accounts:
    """Where every received byte went: into a reply that was cut, or among the strays; which replies were refused."""

    ledger: Ledger
    received: bytearray = field(default_factory=bytearray)
    stray: bytearray = field(default_factory=bytearray)
    cut: bytearray = field(default_factory=bytearray)
    refused: list[bytes] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)

    def trace(self) -> Trace:
        """The trace to connect with."""
        return Trace(listener=self._crossed)

    def _crossed(self, crossing: Crossing) -> None:
        if crossing.direction == "received":
            self.received += crossing.data
        elif crossing.direction == "stray":
            self.stray += crossing.data
            self.kept.append(crossing.data)

    def watch(self, patch: Any) -> None:
        """Look over the shoulder of every link and wire until the test ends."""
        exchange, listen, collect, parsed = Link.exchange, Link.listen, Link.collect, Wire._parsed

        async def exchanged(link: Link, request: bytes, reply: Shape, **given: Any) -> bytes:
            return await exchange(link, request, _Cut(reply, self), **given)

        async def listened(link: Link, shape: Shape, **given: Any) -> bytes | None:
            return await listen(link, _Cut(shape, self), **given)

        async def collected(link: Link, reply: Shape, **given: Any) -> bytes | None:
            return await collect(link, _Cut(reply, self), **given)

        def watched(wire: Wire, raw: bytes, parse: Any) -> Any:
            return parsed(wire, raw, lambda raw: self._parsed(parse, raw))

        patch.setattr(Link, "exchange", exchanged)
        patch.setattr(Link, "listen", listened)
        patch.setattr(Link, "collect", collected)
        patch.setattr(Wire, "_parsed", watched)

    def _parsed(self, parse: Any, raw: bytes) -> Any:
        try:
            return parse(raw)
        except Declined:
            raise
        except Exception:
            self.refused.append(raw)
            raise

    def keep(self, readings: list[Reading], error: InstrumentError | None = None) -> None:
        """What the driver's side gave its caller."""
        self.kept += [each.raw for each in readings] + ([error.raw] if error else [])

    def are_balanced(self, between: bytes) -> None:
        """After closing: each byte is in a reply that was understood, or a stray one, or between replies."""
        received, cut, stray, refused = (
            len(bytes(each).translate(None, between))
            for each in (self.received, self.cut, self.stray, b"".join(self.refused))
        )
        assert received == cut - refused + stray, f"{received} bytes came, {cut} in replies, {stray} were stray"
        for raw in self.refused:
            assert any(raw in each for each in self.kept), f"{raw!r} was refused and is nowhere"


class _Cut:
    def __init__(self, shape: Shape, accounts: Accounts) -> None:
        self._shape = shape
        self._accounts = accounts

    def find(self, buffer: bytes) -> tuple[bytes, int] | None:
        self._accounts.ledger.shapes[self._shape] = None
        found = self._shape.find(buffer)
        if found is not None:
            self._accounts.cut += buffer[: found[1]]
        return found
