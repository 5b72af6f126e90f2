"""Carries bytes between an instrument and its port, in time, and lets the armed faults happen on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

from simulators.faults import Fault, flip_one_bit, noise, with_terminator
from simulators.instrument import Clear, Instrument, Reply, Request, Session
from simulators.ports import Port


class Link:
    """The line between one instrument and one port.

    `arm` adds a fault at any time; `happened` lists the names of the faults that struck, in order.
    """

    def __init__(self, instrument: Instrument, port: Port) -> None:
        self._instrument = instrument
        self._port = port
        self._faults: list[Fault] = []
        self._session: Session | None = None
        self._queue: asyncio.Queue[Request | Clear] = asyncio.Queue()
        self._answering: asyncio.Task[Reply | None] | None = None
        self._held: list[Reply] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaf = False
        self.happened: list[str] = []
        self._stages: dict[str, Callable[[Fault, bytes], bytes]] = {
            "garbage-before": lambda fault, data: noise(int(fault.seconds), fault.rng) + data,
            "bit-flip": lambda fault, data: flip_one_bit(data, fault.rng),
            "duplicate": lambda fault, data: data + data,
            "wrong-terminator": lambda fault, data: with_terminator(data, fault.arg),
            "unsolicited": lambda fault, data: self._instrument.stray_line() + data,
        }

    async def start(self) -> None:
        """Open the port and begin to carry."""
        await self._port.open(self)
        self._start_task(self._pump(), "simulated link")
        if (speech := self._instrument.speech()) is not None:
            self._start_task(self._speak(speech), "simulated speech")

    async def stop(self) -> None:
        """Stop carrying and close the port."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._port.close()

    def arm(self, fault: Fault) -> None:
        """Let `fault` happen from now on."""
        if fault.name == "other-device":
            self._instrument.become("device")
        elif fault.name == "other-serial":
            self._instrument.become("serial")
        elif fault.name == "busy-port":
            self._port.set_busy(True)
            self._later(fault.seconds, lambda: self._port.set_busy(False))
        self._faults.append(fault)

    def disarm(self) -> None:
        """Let no fault happen any more; an identity once changed stays changed."""
        self._faults.clear()
        self._port.set_busy(False)
        self._deaf = False

    def on_open(self) -> None:
        self._leave()
        if fault := self._struck("vanish-open"):
            self._start_task(self._vanish(fault.seconds), "vanish")

    async def answered(self) -> None:
        await self._queue.join()

    def on_close(self) -> None:
        self._leave()

    @property
    def status_byte(self) -> int:
        """The instrument's status byte (simulators.message_port)."""
        return self._instrument.status_byte

    def query_error(self, code: int) -> None:
        """The client broke the rules of the message exchange."""
        self._instrument.query_error(code)

    def on_bytes(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._struck("echo"):
            self._start_task(self._send_plain(data), "echo")
        if self._session is None:
            self._session = self._instrument.open_session()
        for event in self._session.feed(data):
            if isinstance(event, Clear):
                self._drop_requests()
            elif fault := self._vanishing(event):
                self._start_task(self._vanish(fault.seconds), "vanish")
                return
            self._queue.put_nowait(event)

    def _leave(self) -> None:
        """The client has gone: what it asked for is dropped with it."""
        self._held.clear()
        self._drop_requests()
        if self._session is not None:
            self._session.close()
            self._session = None

    def _drop_requests(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        if self._answering is not None:
            self._answering.cancel()

    def _vanishing(self, request: Request) -> Fault | None:
        if self._instrument.is_identification(request.data) and (fault := self._struck("vanish-identify")):
            return fault
        return self._struck("vanish-write")

    def _struck(self, name: str) -> Fault | None:
        for fault in self._faults:
            if fault.name == name and fault.strikes():
                self.happened.append(name)
                return fault
        return None

    async def _pump(self) -> None:
        while True:
            event = await self._queue.get()
            try:
                if isinstance(event, Clear):
                    await self._port.send(event.answer)
                elif (reply := await self._answer(event)) is not None:
                    await self._deliver(reply)
            finally:
                self._queue.task_done()

    async def _speak(self, speech: AsyncIterator[Reply]) -> None:
        async for said in speech:
            await self._deliver(said)

    async def _answer(self, request: Request) -> Reply | None:
        """The reply to one request; None when there is none or it was cut short by a clear or a client that left."""
        session = self._session
        if session is None:
            return None
        self._answering = asyncio.create_task(session.answer(request.data), name="simulated answer")
        try:
            await asyncio.wait({self._answering})
            return None if self._answering.cancelled() else self._answering.result()
        finally:
            self._answering.cancel()
            self._answering = None

    async def _deliver(self, reply: Reply) -> None:
        if self._deaf or await self._instead(reply):
            return
        if fault := self._struck("front-panel"):
            self._instrument.front_panel(fault.arg or None)
        if fault := self._struck("slow"):
            await asyncio.sleep(fault.seconds)
        if fault := self._struck("late-reply"):
            await asyncio.sleep(fault.seconds)
        data = self._spoiled(reply)
        if fault := self._struck("glued"):
            await self._glue(Reply(data, reply.measurement), fault)
        elif await self._send(data):
            self._instrument.emitted += reply.measurement

    async def _instead(self, reply: Reply) -> bool:
        """Faults after which the reply does not come, or not whole."""
        if fault := self._struck("hang"):
            self._deaf = True
            self._later(fault.seconds, self._hear_again)
        elif fault := self._struck("reboot"):
            await self._reboot(fault.seconds)
        elif self._struck("busy-reply"):
            await self._port.send(self._instrument.busy())
        elif fault := self._struck("half-then-silence"):
            count = int(fault.seconds) if fault.arg else max(1, len(reply.data) // 2)
            await self._port.send(reply.data[:count])
        elif fault := self._struck("vanish-read"):
            await self._port.send(reply.data[: len(reply.data) // 2])
            await self._vanish(fault.seconds)
        else:
            return False
        return True

    def _spoiled(self, reply: Reply) -> bytes:
        data = reply.data
        if reply.measurement and (fault := self._struck("sentinel")):
            forms = self._instrument.sentinels(data)
            data = forms[int(fault.seconds) % len(forms)] if fault.arg else fault.rng.choice(forms)
        for name, change in self._stages.items():
            if fault := self._struck(name):
                data = change(fault, data)
        return data

    async def _send(self, data: bytes) -> bool:
        fault = self._struck("split")
        if fault is None:
            return await self._port.send(data)
        cut = int(fault.seconds) if fault.arg else 1
        pieces = [data[:cut], data[cut:]] if fault.arg else [data[i : i + 1] for i in range(len(data))]
        for piece in pieces:
            if not await self._port.send(piece):
                return False
            await asyncio.sleep(0.001)
        return True

    async def _send_plain(self, data: bytes) -> None:
        await self._port.send(data)

    async def _glue(self, reply: Reply, fault: Fault) -> None:
        self._held.append(reply)
        if len(self._held) > 1:
            await self._release_held()
        else:
            self._later(fault.seconds, lambda: self._start_task(self._release_held(), "glued"))

    async def _release_held(self) -> None:
        held, self._held = self._held, []
        if held and await self._send(b"".join(reply.data for reply in held)):
            self._instrument.emitted += sum(reply.measurement for reply in held)

    async def _reboot(self, dead_s: float) -> None:
        self._drop_requests()
        self._instrument.power_cycle()
        self._deaf = True
        if self._instrument.sheds_clients_on_reboot:
            await self._vanish(dead_s)
            self._hear_again()
            return
        await asyncio.sleep(dead_s)
        self._hear_again()
        if self._instrument.banner:
            await self._port.send(self._instrument.banner)

    async def _vanish(self, away_s: float) -> None:
        await self._port.vanish()
        await asyncio.sleep(away_s)
        await self._port.come_back()

    def _hear_again(self) -> None:
        self._deaf = False

    def _later(self, wall_s: float, act: Callable[[], object]) -> None:
        async def wait_and_act() -> None:
            await asyncio.sleep(wall_s)
            act()

        self._start_task(wait_and_act(), "later")

    def _start_task(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
