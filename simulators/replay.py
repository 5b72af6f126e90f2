"""Serves a recording of a wire as an instrument on a port, strict about what it is asked.

A request that was not recorded, or not at this place, is never answered: the client is cut off and `fault` says why.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from simulators.places import port_from
from simulators.ports import Port
from simulators.recording import Exchange

SHOWN = 60


class Replay:
    """One recording on one port (simulators.ports.PortUser).

    any_order: a request is answered as it was answered next in the recording, or last where it was not asked again;
    otherwise everything must be asked as it was recorded. compressed: without the pauses. `over` is set when the client
    left after the last reply, and when something was asked that was not recorded; `fault` then says what.
    """

    def __init__(self, exchanges: Sequence[Exchange], port: Port, *, any_order: bool, compressed: bool) -> None:
        self._port = port
        self._any_order = any_order
        self._compressed = compressed
        self._left = deque(exchanges)
        self._before: list[Exchange] = []  # in any order: what lies behind
        self._asked = b""
        self._due: asyncio.Queue[Exchange | None] = asyncio.Queue()  # None: the client is cut off
        self._player: asyncio.Task[None] | None = None
        self._begun = False
        self.over = asyncio.Event()
        self.fault: str | None = None

    @property
    def resource(self) -> str:
        """What a client opens."""
        return self._port.resource

    async def start(self, *, at_once: bool = False) -> None:
        """Open the port; what came unasked is played when a client comes, or at once."""
        await self._port.open(self)
        self._player = asyncio.create_task(self._play(), name="replay")
        if at_once:
            self.on_open()

    async def close(self) -> None:
        """Stop, and leave nothing behind."""
        if self._player is not None:
            self._player.cancel()
            await asyncio.gather(self._player, return_exceptions=True)
        await self._port.close()

    def on_open(self) -> None:
        self._asked = b""
        if not self._begun:
            self._begun = True
            if self._left and not self._left[0].request:
                self._due.put_nowait(self._left.popleft())

    def on_close(self) -> None:
        self._asked = b""
        if not self._left and not self._any_order:
            self.over.set()

    async def answered(self) -> None:
        await self._due.join()

    def on_bytes(self, data: bytes) -> None:
        if self.fault is not None:
            return
        self._begun = True
        self._asked += data
        while self._asked and (found := self._next()) is not None:
            self._asked = self._asked[len(found.request) :]
            self._due.put_nowait(found)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _next(self) -> Exchange | None:
        """The exchange that was asked for; None while its request is not whole. Anything else ends the replay."""
        candidates = [*self._left, *reversed(self._before)] if self._any_order else list(self._left)[:1]
        for each in candidates:
            if each.request and self._asked.startswith(each.request):
                self._pass(each)
                return each
        if not any(each.request.startswith(self._asked) for each in candidates):
            self._refuse(candidates)
        return None

    def _pass(self, found: Exchange) -> None:
        """Go on behind what was asked; what lies behind already is answered from there, and nothing moves."""
        while self._left and not any(each is found for each in self._before):
            self._before.append(self._left.popleft())

    def _refuse(self, candidates: list[Exchange]) -> None:
        asked = _shown(self._asked)
        if self._any_order:
            self.fault = f"'{asked}' was asked; the recording has no such request."
        elif candidates:
            each = candidates[0]
            self.fault = f"'{asked}' was asked where line {each.line} of the recording has '{_shown(each.request)}'."
        else:
            self.fault = f"'{asked}' was asked after the end of the recording."
        self._asked = b""
        self._due.put_nowait(None)

    async def _play(self) -> None:
        while (exchange := await self._due.get()) is not None:
            loop = asyncio.get_running_loop()
            asked_at = loop.time()
            for after_s, data in exchange.replies:
                if not self._compressed:
                    await asyncio.sleep(max(0.0, asked_at + after_s - loop.time()))
                await self._port.send(data)
            self._due.task_done()
        await self._port.vanish()
        self.over.set()


async def serve_replay(
    exchanges: Sequence[Exchange], listen: str, *, any_order: bool = False, compressed: bool = False
) -> Replay:
    """Serve a recording at `listen`: `tcp:HOST:PORT`, `pty` or `pty:LINK`.

    On a terminal, which cannot see a client come, what came unasked is played at once. Raises ValueError in one
    sentence where `listen` is no place, OSError when the port cannot be had.
    """
    replay = Replay(exchanges, port_from(listen), any_order=any_order, compressed=compressed)
    await replay.start(at_once=listen.startswith("pty"))
    return replay


def _shown(data: bytes) -> str:
    text = "".join(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in data[:SHOWN].rstrip(b"\r\n"))
    return text + ("..." if len(data) > SHOWN else "")
