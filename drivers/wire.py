"""What a driver has of its line: it asks and sends. Everything that could go wrong by forgetting is done here.

Whatever `parse` refuses, a time-out in the middle, a byte that nobody asked for: the line is in doubt from then on, and
every further request raises ReplyTimeout until the engine has identified the instrument again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drivers.errors import Declined, Garbled, InstrumentError, fault_of, shown
from drivers.link import Link
from drivers.replies import Line, Reply

T = TypeVar("T")
LINE = Line()


class Wire:
    """A driver's line. `heard` are the replies since the engine last cleared it; `name` is the resource."""

    def __init__(self, link: Link, timeout_s: float) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self.name = link.name
        self.heard: list[bytes] = []

    async def ask(
        self, query: bytes, parse: Callable[[bytes], T], reply: Reply = LINE, *, timeout_s: float | None = None
    ) -> T:
        """Send a query and parse its reply.

        parse takes the reply's bytes; it raises Declined where the instrument says no in its own words, which leaves
        the line sound, and Garbled for anything that is not of the protocol. Raises those, ReplyTimeout and LinkDown.
        """
        return self._parsed(await self._link.exchange(query, reply, timeout_s=timeout_s or self._timeout_s), parse)

    async def ask_twice(
        self, query: bytes, parse: Callable[[bytes], T], reply: Reply = LINE, *, timeout_s: float | None = None
    ) -> T:
        """Ask for what is kept, and by which readings are judged for hours: one damaged digit must not be it.

        Raises as `ask` does, and Garbled where the two answers are not the same.
        """
        first = await self.ask(query, parse, reply, timeout_s=timeout_s)
        before = self.heard[-1]

        def parse_the_same(raw: bytes) -> T:
            if (again := parse(raw)) != first:
                said = f"'{shown(before)}' and '{shown(raw)}'"
                raise Garbled(f"{shown(query)} was answered in two ways, {said}.", raw)
            return again

        return await self.ask(query, parse_the_same, reply, timeout_s=timeout_s)

    async def check(self) -> None:
        """For a take that has nothing to ask: raises as a request would where the port is gone or the line in doubt."""
        await self._link.check()

    async def begin(self, query: bytes, *, timeout_s: float) -> None:
        """Send a query whose reply takes so long that it is collected later, within timeout_s from now.

        Until it has been, nothing else can be asked. Raises ReplyTimeout, LinkDown, Misuse.
        """
        await self._link.begin(query, timeout_s=timeout_s)

    async def collect(self, parse: Callable[[bytes], T], reply: Reply = LINE, *, within_s: float) -> T | None:
        """The reply to what was begun, parsed; None while it is still to come. Raises as `ask` does."""
        raw = await self._link.collect(reply, within_s=within_s)
        return None if raw is None else self._parsed(raw, parse)

    async def send(self, data: bytes) -> None:
        """Send something that has no reply. Raises ReplyTimeout, LinkDown."""
        await self._link.send(data)

    def _parsed(self, raw: bytes, parse: Callable[[bytes], T]) -> T:
        self.heard.append(raw)
        try:
            return parse(raw)
        except Declined:
            raise
        except InstrumentError:
            self._link.doubt(raw)
            raise
        except Exception as error:  # a parser may be anybody's
            self._link.doubt(raw)
            raise Garbled(str(fault_of(error, f"parsing '{shown(raw)}'")), raw) from error
