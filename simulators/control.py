"""The back door: one JSON object per line in, one out, so that another process can play the beam and the people.

`{"do": "expose", "charge_c": 1.5e-8, "duration_s": 9}`, `{"do": "state"}`,
`{"do": "set", "name": "leakage_a", "value": 1e-14}`,
`{"do": "fault", "fault": "split@1"}`, `{"do": "disarm"}`, `{"do": "read_out", ...}` with the arguments of a
reader's `read_out`.
Answers `{"ok": true, ...}` or `{"ok": false, "error": "one sentence"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, Protocol

from simulators.instrument import Instrument
from simulators.model import FileInstrument

DoorRequest = dict[str, Any]


class Controlled(Protocol):
    """What the door opens on: one served instrument."""

    model: str
    instrument: Instrument | FileInstrument

    @property
    def resource(self) -> str:
        """Where a client finds it now: a resource string."""

    @property
    def faults_happened(self) -> list[str]:
        """Names of the link faults that struck so far, in order."""

    def arm(self, fault: str) -> None:
        """Let a link fault happen from now on; raises ValueError for one that cannot."""

    def disarm(self) -> None:
        """Let no link fault happen any more."""


class ControlDoor:
    """Listens for line-JSON requests and obeys them on one served instrument."""

    def __init__(self, served: Controlled) -> None:
        self._served = served
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.address = ""
        self._actions: dict[str, Callable[[DoorRequest], DoorRequest]] = {
            "expose": self._expose,
            "state": self._state,
            "set": self._set,
            "fault": self._fault,
            "disarm": self._disarm,
            "read_out": self._read_out,
        }

    async def open(self, host: str, port: int) -> None:
        """Begins to listen; port 0 is any free one. Raises OSError where the port cannot be had."""
        self._server = await asyncio.start_server(self._serve_client, host, port)
        self.address = f"tcp:{host}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening and cut every client."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def obey(self, line: bytes) -> DoorRequest:
        """The answer to one request line."""
        try:
            request = json.loads(line)
            action = self._actions.get(request.pop("do", ""))
            if action is None:
                return {"ok": False, "error": f'"do" can be {", ".join(self._actions)}.'}
            return {"ok": True, **action(request)}
        except KeyError as missing:
            return {"ok": False, "error": f"the request lacks {missing}"}
        except (ValueError, TypeError, AttributeError) as error:
            return {"ok": False, "error": str(error)}

    def _line(self) -> Instrument:
        instrument = self._served.instrument
        if not isinstance(instrument, Instrument):
            raise TypeError(f"{self._served.model} has no detector under a beam; use read_out.")
        return instrument

    def _expose(self, request: DoorRequest) -> DoorRequest:
        self._line().detector.expose(float(request["charge_c"]), float(request["duration_s"]))
        return {}

    def _state(self, request: DoorRequest) -> DoorRequest:
        return {"model": self._served.model, "resource": self._served.resource,
                "faults_happened": self._served.faults_happened, **self._served.instrument.state()}  # fmt: skip

    def _set(self, request: DoorRequest) -> DoorRequest:
        self._line().set_state(str(request["name"]), request["value"])
        return {}

    def _fault(self, request: DoorRequest) -> DoorRequest:
        self._served.arm(str(request["fault"]))
        return {}

    def _disarm(self, request: DoorRequest) -> DoorRequest:
        self._served.disarm()
        return {}

    def _read_out(self, request: DoorRequest) -> DoorRequest:
        instrument = self._served.instrument
        if isinstance(instrument, Instrument):
            raise TypeError(f"{self._served.model} reads no dosimeters out; use expose.")
        return {"file": str(instrument.read_out_request(request))}

    async def _serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # start_server runs every connection as a task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(json.dumps(self.obey(line)).encode() + b"\n")
                await writer.drain()
        writer.transport.abort()
