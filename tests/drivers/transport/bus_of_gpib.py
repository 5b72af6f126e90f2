"""The two modules of linux-gpib's Python binding, with one instrument on the bus, for pyvisa-py to load.

Only what the binding's documentation tells of ibwrt, ibrd, ibrsp, ibln and ibask is here: writing ends with EOI, and
reading with it (END in ibsta) or with as many bytes as were asked for; a talker that says nothing is a time-out (TIMO).
No kernel, no adapter, no cable.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gateway import Instrument

ADDRESS = 27
END, TIMO, ERR = 0x2000, 0x4000, 0x8000
PAD = 1  # what ibask is asked for an address


class GpibError(Exception):
    """As the binding raises it."""


class Bus:
    """One board and what is on it; `plugged`: whether the instrument listens."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.plugged = True
        self.opened = 0

    def modules(self) -> dict[str, Any]:
        """`gpib` and `Gpib`, as they are imported."""
        low: Any = ModuleType("gpib")
        low.GpibError, low.version = GpibError, lambda: "of the tests"
        low.ask, low.listener = self._ask, self._listener
        high: Any = ModuleType("Gpib")
        high.Gpib = type("Gpib", (Handle,), {"bus": self})
        return {"gpib": low, "Gpib": high}

    def _ask(self, board: int, option: int) -> int:
        if board != 0:
            raise GpibError("ask() failed: no such board")
        return 0

    def _listener(self, board: int, pad: int, sad: int = 0) -> bool:
        return self.plugged and (pad, sad) == (ADDRESS, 0)


class Handle:
    """A descriptor of a device, or of the board where it has no address."""

    bus: Bus

    def __init__(self, name: int, pad: int | None = None, **further: int) -> None:
        self._pad, self._status, self._count = pad, 0, 0
        self.bus.opened += 1

    def write(self, data: bytes) -> None:
        """Addressed to listen."""
        self._there("write")
        self.bus.instrument.hear(data)
        self._status, self._count = END, len(data)

    def read(self, count: int) -> bytes:
        """Addressed to talk."""
        self._there("read")
        said = self.bus.instrument.say(count)
        if said is None:
            self._status = TIMO | ERR
            raise GpibError("read() failed: The I/O operation timed out.")
        self._status = 0 if self.bus.instrument.output else END
        return said

    def serial_poll(self) -> int:
        """The status byte."""
        self._there("serial_poll")
        return self.bus.instrument.status()

    def _there(self, what: str) -> None:
        if not self.bus.plugged or self._pad != ADDRESS:
            self._status = ERR
            raise GpibError(f"{what}() failed: No listeners")

    def ibsta(self) -> int:
        """The status of the last call."""
        return self._status

    def ibcnt(self) -> int:
        """The bytes of the last call."""
        return self._count

    def ask(self, option: int) -> int:
        """Its address, or 0."""
        return self._pad or 0 if option == PAD else 0

    def timeout(self, code: int) -> None:
        """Nothing here takes time."""

    def close(self) -> None:
        """Gives the descriptor back."""
        self.bus.opened -= 1
